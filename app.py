"""Connect Chats: read the settings, build the program, run it.

python app.py           serve, with the settings of the environment and `.env`
python app.py --demo    try it: loopback only, sample records, no registration needed
python app.py --check   check settings, database and credentials; exits 0 or 2
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from bot.config import Settings, load_settings, remarks
from bot.errors import ConnectChatsError, SettingsInvalid


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python app.py", description=(__doc__ or "").splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--demo", action="store_true", help="try it on loopback, with sample records and no registration")
    mode.add_argument("--check", action="store_true", help="check settings, database and credentials, and exit")
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings(demo=chosen.demo)
        configure_logging(settings)
        return asyncio.run(check(settings) if chosen.check else serve(settings))
    except SettingsInvalid as error:
        return refuse(error)


def refuse(error: SettingsInvalid) -> int:
    """Print every problem with its remedy. Nothing was opened."""
    print("Connect Chats does not start:", file=sys.stderr)
    for problem in error.problems:
        print(f"  * {problem}", file=sys.stderr)
    return 2


def configure_logging(settings: Settings) -> None:
    """Structured logs on stderr, those of libraries too: JSON, one object a line, or for people on a terminal.

    A trace never shows the values of variables: they hold tokens and what people wrote.
    """
    console = settings.log_format == "console" or (not settings.log_format and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    described = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    written: list[Processor] = [
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(),
    ]
    if console:
        terminal = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        written = [structlog.processors.format_exc_info, escape_unseen, terminal]
    structlog.configure(
        processors=[*described, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    of_libraries = logging.StreamHandler(sys.stderr)
    of_libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*described, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[of_libraries])


def escape_unseen(logger: object, method: str, event: EventDict) -> EventDict:
    """Characters that could move the cursor or hide text are written as `\\x1b`; a trace keeps its lines."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n" if name == "exception" else ""
            event[name] = "".join(
                char if char.isprintable() or char in kept else char.encode("unicode_escape").decode() for char in value
            )
    return event


async def serve(settings: Settings) -> int:
    """Run until told to stop. Exits 2 when it can't start, with the reason."""
    from bot.web import server
    from bot.wiring import create_app

    app = await create_app(settings)
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    try:
        listening = await server.start(app, host=settings.host, port=settings.port)
    except OSError as error:
        raise SettingsInvalid(
            [f"Port {settings.port} of {settings.host} can't be used: {error.strerror}. Free it, or set PORT."]
        ) from None
    except ConnectChatsError as error:
        raise SettingsInvalid([str(error)]) from None
    gc.collect()
    gc.freeze()  # what was built until now stays to the end: not looking at it again saves a tenth of the processor
    if settings.demo:
        print(DEMO.format(base=f"http://{settings.host}:{listening.port}"), flush=True)
    else:
        print(f"Connect Chats is ready on {settings.host}:{listening.port}.", flush=True)
        for remark in remarks(settings):
            print(f"Note: {remark}", flush=True)
    await stopping.wait()
    await listening.stop()
    return 0


DEMO = """
Connect Chats is ready: {base}   (demo: this machine only, sample records, Ctrl-C stops it)

Try it in a chat client:
  make play                            the Agents Playground, a Teams client in your browser

Or with curl:
  curl {base}/readyz
  curl -H 'Authorization: Bearer demo' {base}/api/v1/records/account/A-1001
  curl -H 'Authorization: Bearer demo' '{base}/api/v1/records/account/A-1001/timeline'

Links to paste:
  https://crm.example.com/records/account/A-1001       everybody may connect it
  https://crm.example.com/records/opportunity/O-2001   you may see it, not connect it
  https://crm.example.com/records/case/C-3001          you may not see it
"""


async def check(settings: Settings) -> int:
    """Try everything that serving needs, and say what works. Exits 2 when something doesn't."""
    from bot.wiring import check_parts

    failed = False
    async for part, problem in check_parts(settings):
        print(f"  {'FAILED' if problem else 'ok    '} {part}{f': {problem}' if problem else ''}")
        failed = failed or problem is not None
    for remark in remarks(settings):
        print(f"  note   {remark}")
    print("Something needs your attention." if failed else "Everything is ready: python app.py")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
