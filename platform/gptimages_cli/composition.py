"""The composition root: one installation with its engine, worker, scheduler, web app and reports, put together.

Nothing imports this but the commands and the server that they start.
"""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Litestar

from gptimages import logs
from gptimages.installation import Installation, open_installation
from gptimages.messaging.transport import MailTransport, OutboxOnly, SmtpTransport
from gptimages.settings import Settings, read
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app
from gptimages_cli.locking import DirectoryLock
from gptimages_jobs import (
    archives,
    disposal,
    erase,
    erasures,
    export,
    forget,
    generate,
    keys,
    mail,
    policy_effect,
    retention,
    schedule,
)
from gptimages_jobs.engines.factory import make as make_engine
from gptimages_jobs.scheduler import Scheduler
from gptimages_jobs.worker import Handler, Worker
from gptimages_reports import routes as reports


def application() -> Litestar:
    """The whole service as the server starts it, from the settings of this process."""
    settings = read()
    logs.configure(settings.log_level)
    return compose(open_installation(settings))


def compose(here: Installation) -> Litestar:
    """The web app of an installation with its worker and scheduler, which run while the app does.

    Raises PolicyError when schedule.yaml leaves out a job, or names one that there is not.
    """
    schedule.require(here.policies)
    engine, hub = make_engine(here.settings), Hub()
    worker = Worker(here, handlers(here, hub), here.settings.workers)
    scheduler = Scheduler(here)
    lock = DirectoryLock(here.settings.data)

    def start() -> None:
        lock.take()
        worker.start()
        if here.settings.scheduler:
            scheduler.start()

    def stop() -> None:
        scheduler.stop()
        worker.stop()
        lock.release()

    return create_app(
        here,
        engine=EngineFacts.of(engine),
        hub=hub,
        more_routes=reports.ROUTES,
        templates=[reports.TEMPLATES],
        on_startup=[start],
        on_shutdown=[stop],
    )


def handlers(here: Installation, hub: Hub | None = None) -> Mapping[str, Handler]:
    """Every kind of job with what does it."""
    jobs = (
        generate.Generate(make_engine(here.settings), hub or Hub()),
        mail.Mail(transport(here.settings)),
        export,
        erase,
        erasures,
        archives,
        disposal,
        forget,
        retention,
        policy_effect,
        keys,
    )
    return {job.KIND: job.run for job in jobs}


def transport(settings: Settings) -> MailTransport:
    """How mail leaves."""
    if settings.mail == "smtp":
        assert settings.smtp_host is not None  # noqa: S101 - the settings were checked
        return SmtpTransport(settings.smtp_host, settings.smtp_port, settings.smtp_user, settings.smtp_password)
    return OutboxOnly()
