"""A mail server and a message gateway on loopback that keep what reaches them; either can be made to hang."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class Letters(socketserver.ThreadingTCPServer):
    """SMTP (RFC 5321) as far as smtplib speaks it. While `hang` is set, nobody is told that a letter was taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.letters: list[tuple[str, EmailMessage]] = []
        self.hang = threading.Event()
        self.hanging = threading.Event()  # somebody waits for an answer
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def to(self, address: str) -> list[str]:
        """Subjects of what reached an address, in order."""
        return [str(letter["Subject"]) for name, letter in list(self.letters) if name == address]


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server, to = cast(Letters, self.server), ""
        self.say("220 loopback")
        while line := self.rfile.readline().decode(errors="replace").strip():
            word = line.upper()
            if word.startswith("RCPT TO:"):
                to = line.partition("<")[2].partition(">")[0]
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                letter = email.message_from_bytes(self.text(), policy=email.policy.default)
                server.letters.append((to, cast(EmailMessage, letter)))
                if server.hang.is_set():
                    server.hanging.set()
                    self.rfile.readline()  # until whoever waits is killed
                    return
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def text(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


class Gateway(ThreadingHTTPServer):
    """Takes what apprise's json:// sends; the number is the path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}/{{phone}}"

    def to(self, phone: str) -> list[str]:
        """Titles of what was sent to a number, in order."""
        return [title for number, title in list(self.taken) if number == phone]


class Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cast(Gateway, self.server).taken.append((self.path.strip("/"), sent["title"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *words: Any) -> None:
        """Silent: what it took is all that counts."""
