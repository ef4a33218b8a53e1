"""What every page shares: settings, database, tokens, and the frame that each is drawn in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from miner.config import Settings, load_topic
from miner.errors import ConfigError
from miner.evidence import store_web
from miner.evidence.store import Run, Store
from miner.evidence.summary import Summary, summarise
from miner.lexicon import Lexicon, load_lexicon
from miner.refresh.health import Health, health
from miner.topic import Topic
from miner.web import security
from miner.web.database import Database
from miner.web.render import render

WRITTEN_SECONDS = 30.0
SESSIONS = 1_000


class NotFound(Exception):
    """There is no such page, paper, row or run."""


@dataclass
class Site:
    """One database as it is shown."""

    settings: Settings
    read_only: bool = False
    hosts: tuple[str, ...] = ()
    tokens: security.Tokens = field(default_factory=security.Tokens)

    written: dict[str, float] = field(default_factory=dict)

    def has_written(self, request: Request) -> None:
        """Note that a session has written, so that it sees what it wrote."""
        while len(self.written) > SESSIONS:
            self.written.pop(next(iter(self.written)), None)
        self.written[self.tokens.session(request) or ""] = time.monotonic()

    def needs_newest(self, request: Request) -> bool:
        """Tell whether a session has written lately."""
        return time.monotonic() - self.written.get(self.tokens.session(request) or "", float("-inf")) < WRITTEN_SECONDS

    @cached_property
    def database(self) -> Database:
        """The database that is shown."""
        return Database(self.settings.db)

    @cached_property
    def lexicon(self) -> Lexicon:
        """The lexicon with the folders of the settings."""
        return load_lexicon(self.settings.lexicon_dirs)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Lend a state of the database."""
        with self.database.reading() as store:
            yield store

    def topic(self, name: str | None = None) -> Topic:
        """Return a topic by its name; a path is taken from the settings only."""
        wanted = name or self.settings.topic
        if name and name != self.settings.topic and not name.replace("-", "").replace("_", "").isalnum():
            raise NotFound(f"there is no topic {name!r}")
        try:
            return load_topic(wanted, self.settings.topic_dirs)
        except ConfigError as error:
            if name:
                raise NotFound(f"there is no topic {name!r}") from error
            raise

    def summary(self, store: Store, topic: Topic) -> Summary:
        """Return the summary of a topic for the present state of the database, or for one shortly before where it is dear."""
        return self.database.lasting(store, ("summary", topic.name), lambda own: summarise(own, topic, self.lexicon))

    def is_former(self, store: Store, topic: Topic) -> bool:
        """Tell whether the summary that is shown is of a state before the present one."""
        return self.database.peek(store, ("summary", topic.name)) is None

    def health(self, store: Store) -> Health:
        """Tell how current the database is."""
        limit = self.settings.stale_after_days * 24
        key = ("health", int(time.time() // 60))
        told = partial(health, store, limit_hours=limit)
        return self.database.kept(store, key, lambda: told(self._topic_name, runs=self.runs(store)), alone=True)

    @cached_property
    def _topic_name(self) -> str:
        return self.topic().name

    def runs(self, store: Store) -> list[Run]:
        """Return all runs, the first first."""
        return self.database.kept(store, "runs", store.runs, alone=True)

    def page(
        self, request: Request, template: str, *, title: str, here: str = "", status: int = 200, store: Store | None = None, **values: Any
    ) -> HTMLResponse:
        """Draw a page in the frame; a browser that may write gets its session with it."""
        session = None if self.read_only else self.tokens.session(request)
        fresh = security.new_session() if session is None and not self.read_only else None
        frame = {
            "title": title,
            "here": here,
            "read_only": self.read_only,
            "curator": "" if self.read_only else security.curator_of(request),
            "token": self.tokens.token(session or fresh or "") if not self.read_only else "",
            "standing": self.health(store) if store is not None else None,
            "address": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "q": "",
        }
        response = HTMLResponse(render(template, **{**frame, **values}), status)
        if fresh:
            security.keep_session(response, fresh)
        return response

    def topics(self, store: Store) -> Iterable[str]:
        """Return the topics that the database holds records of."""
        return [name for name, _ in self.database.kept(store, "topics", lambda: store_web.topics(store))]
