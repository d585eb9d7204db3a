"""Settings of every process. One file; every setting has a default that works with no environment at all.

An operator sets the variables of docs/operations.md; bawaslu_data/checks.py says in sentences what is wrong or risky.
"""

from __future__ import annotations

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()  # FOO_FILE=/run/secrets/foo is read, if it is set, and FOO otherwise

DEBUG = env.bool("DEBUG", default=False)
# A clone runs with no secret of its own; bawaslu_data.E001 refuses this one outside a clone (DEPLOYED).
INSECURE_KEY = "insecure-key-of-a-clone-replace-me-in-every-deployment"
SECRET_KEY = env("SECRET_KEY", default=INSECURE_KEY).strip()  # a file ends with a line end that nobody typed
DEPLOYED = env.bool("DEPLOYED", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where people reach the site; printed in receipts and QR codes.
SITE_URL = env("SITE_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "bawaslu_data",
    "dashboards",
    "reports",
    "hierarchy",
    "mptt",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "bawaslu_data.middleware.keep_to_oneself",
    "csp.middleware.CSPMiddleware",  # before WhiteNoise, so that static files have it too: an SVG is a document
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bawaslu_data.middleware.private_unless_said",
    "bawaslu_data.middleware.problems_for_programs",
    "bawaslu_data.middleware.programs_apart",  # what stands below is for pages, but for what it names itself
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hierarchy.people.presence.note_presence",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "bawaslu_data.urls"
WSGI_APPLICATION = "bawaslu_data.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bawaslu_data.context.rehearsal",
                "bawaslu_data.context.header",
                "bawaslu_data.context.menu",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# --- data ---------------------------------------------------------------------------------------------------------
# PostgreSQL only (docs/adr/0001). manage.py has exported both addresses when neither was set, except in a deployment:
# that must name them, or a misspelt variable would lead to whatever server answers at a usual place.
DATABASES = {"default": env.db_url("DATABASE_URL", default=env.NOTSET if DEPLOYED else "postgres:///bawaslu")}
DATABASES["default"] |= {
    "ENGINE": "bawaslu_data.postgres",  # Django's own, with a memory of a database that was away a moment ago
    "CONN_MAX_AGE": 0,  # the pool keeps connections; a second layer of reuse would hold them from it
    # The URL's own options stay: `?host=` names the directory of a unix socket.
    "OPTIONS": DATABASES["default"].get("OPTIONS", {})
    | {
        "pool": {
            "min_size": 0,
            "max_size": env.int("DATABASE_POOL", default=8),
            # A process has fewer threads than connections, so who waits for one waits for a database that is away.
            "timeout": env.float("DATABASE_WAIT", default=0.8),
            # The pool doubles its wait between attempts until it gives up: by default it came back minutes after a
            # database that was minutes away. Having given up, it begins anew with the next request.
            "reconnect_timeout": 3,
        },
        # A host that went without a word is noticed in seconds, not after the two hours of TCP's own patience.
        "connect_timeout": 3,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "prepare_threshold": 5,  # None, Django's own choice, would forbid hierarchy/lib/prepared.py what it is for
    },
    "TEST": {"NAME": "test_bawaslu"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default=env.NOTSET if DEPLOYED else "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Whoever asks it works without its answer, and must not wait long to learn that there is none.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    },
    # Public pages as they were sent, in each web process, about 20 MB. A release never changes, so none expires.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 500},
    },
}
# Kombu spells a socket differently from redis-py.
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_TASK_IGNORE_RESULT = True  # state lives in PostgreSQL; nothing ever waits for a task's result
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # every task is idempotent, so a killed worker's task simply runs again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 1,
    "socket_timeout": 2,  # longer than a worker's blocking read, which returns every second
    # Whoever sends a task does not wait for a broker that is away (by default 6 s): beat sends it again. Workers have
    # retries of their own.
    "max_retries": 0,
}
CELERY_TIMEZONE = "Asia/Makassar"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- people -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "hierarchy.User"
PASSWORD_HASHERS = ["hierarchy.signin.hashing.OneCoreArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "hierarchy.signin.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "hierarchy.signin.passwords.NotDigitsAlone"},
    {"NAME": "hierarchy.signin.passwords.NotAttributes"},
    {"NAME": "hierarchy.signin.passwords.NotCommon"},
    {"NAME": "hierarchy.signin.passwords.NotOfTheField"},
]
# Threads of a web process, as granian is told: one more than may do slow work at the same time (hierarchy/lib/gate.py).
WEB_THREADS = env.int("WEB_THREADS", default=6)
# Seconds somebody waits for their turn at a password or a photo before they are asked to come again: who waits holds a
# thread, and strangers one that others need.
TURN_PATIENCE = {"STRANGER": 0.5, "HOME": 1.0, "KNOWN": 1.0, "PHOTO": 1.0}
ACTIVATION_DAYS = env.int("ACTIVATION_DAYS", default=30)  # how long the code of a card opens an account
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "tasks"
LOGOUT_REDIRECT_URL = "public-home"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"  # read from cache, survives a flush of it
SESSION_COOKIE_AGE = 7 * 24 * 3600  # no second log-in on election day
SESSION_COOKIE_NAME = "sesi"

# --- language and time --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "id"
LANGUAGES = [("id", "Bahasa Indonesia"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Makassar"  # WITA, UTC+8, no daylight saving
USE_THOUSAND_SEPARATOR = True
# Seconds added to the real clock, for rehearsals and the demo (hierarchy/lib/clock.py).
CLOCK_OFFSET = env.float("CLOCK_OFFSET", default=0.0)

# --- files --------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / ".data" / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a folder that is not there yet
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(BASE_DIR / ".data" / "media")))
STORAGES = {
    "default": {"BACKEND": "hierarchy.lib.storage.WholeFiles"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if (STATIC_ROOT / "staticfiles.json").exists()
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# The proxy of docker-compose.yml has MEDIA_ROOT and sends a file that X-Accel-Redirect names (hierarchy/lib/stored.py).
PROXY_SENDS_FILES = env.bool("PROXY_SENDS_FILES", default=False)
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # a report is a few kB; photos are files and not counted here
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- safety -------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DEPLOYED else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = DEPLOYED
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if DEPLOYED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = DEPLOYED  # of the site's own name, which has none
SECURE_SSL_REDIRECT = False  # the reverse proxy redirects; health checks come over plain HTTP
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # SECURE_SSL_REDIRECT, as above
    "security.W021",  # preloading is for the owner of a whole domain, such as bawaslu.go.id, to ask for
]
X_FRAME_OPTIONS = "DENY"
# Ed25519 private key (32 bytes, hex) that signs publications; empty: a key is kept in MEDIA_ROOT's sibling `keys/`.
PUBLICATION_KEY = env("PUBLICATION_KEY", default="").strip()
# Its public half (hex), kept where no database reaches: whoever rewrites releases cannot rewrite it. The key in use
# first, then, comma-separated, those of older releases.
PUBLICATION_PUBLIC_KEY = env("PUBLICATION_PUBLIC_KEY", default="").strip()
KEY_DIR = Path(env("KEY_DIR", default=str(BASE_DIR / ".data" / "keys")))
# No published figure rests on fewer single supervisors than this (docs/publication.md); 1 withholds nothing.
DISCLOSURE_K = env.int("DISCLOSURE_K", default=3)

# Whoever reads /metrics must show it as a bearer token; empty: only requests that came through no proxy are answered.
METRICS_TOKEN = env("METRICS_TOKEN", default="").strip()

# --- reminders (docs/reminders.md) --------------------------------------------------------------------------------
# smtp://user:password@host:587 (smtp+tls://, smtp+ssl://); without one nobody is reached by e-mail.
_MAIL = env.email_url("EMAIL_URL", default="smtp://")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = _MAIL["EMAIL_HOST"] or ""
EMAIL_PORT = _MAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_USER"] or "", _MAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_TLS", False), _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="Bawaslu Kalimantan Timur <pelaporan@localhost>")
# An address as apprise understands it, with {phone} where the number belongs: whatsapp://..., tgram://..., json://...
# Browser makers' servers that carry Web Push: the server posts there and nowhere else, whatever a browser claims.
PUSH_SERVICES = env.list(
    "PUSH_SERVICES",
    default=[
        "https://fcm.googleapis.com",
        "https://*.push.services.mozilla.com",
        "https://*.notify.windows.com",
        "https://web.push.apple.com",
    ],
)
GATEWAY_URL = env("GATEWAY_URL", default="").strip()

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "reports.api.authentication.TokenLogin",
        "reports.api.authentication.SessionLogin",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "reports.api.problem_response",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pelaporan pengawasan Bawaslu Kalimantan Timur",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.0",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}
