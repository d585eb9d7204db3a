# One image for web, worker, beat and migrate: docker-compose.yml says which command each runs.
FROM python:3.13-slim AS build
WORKDIR /app
COPY pyproject.toml requirements.lock ./
COPY deploy/runtime_lock.py deploy/
# Every file is checked against its hash. The embedded services and the test tools stay out.
RUN python -m venv /venv \
 && python deploy/runtime_lock.py > /tmp/runtime.lock \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /tmp/runtime.lock

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
 && install -d -o app -g app /app/state /app/state/media
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/app/staticfiles MEDIA_ROOT=/app/state/media KEY_DIR=/app/state/keys
COPY --from=build /venv /venv
COPY . .
# Both addresses are named so that nothing embedded starts while the image is built; neither is connected to.
RUN if [ -d locale ]; then pybabel compile --directory locale --domain django; fi \
 && DATABASE_URL=postgres:///none REDIS_URL=redis://none python manage.py collectstatic --noinput
USER app
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "bawaslu_data.wsgi:application"]
