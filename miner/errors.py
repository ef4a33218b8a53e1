"""What can go wrong, by name, with the exit code that a scheduler reads.

Exit codes follow sysexits.h where it has a fitting one: 0 done, 1 a bug, 2 usage, 3 partial (records set aside) or stale,
11 locked by another run, 65 bad input or an export held back, 73 store not writable, 75 upstream trouble that may pass, 78 configuration.
"""


class MinerError(Exception):
    """Base of every error that the miner raises on purpose; its text says what, where and what to do."""

    exit_code = 1


class ConfigError(MinerError):
    """A setting, topic, rule or flag that cannot be used."""

    exit_code = 78


class LexiconError(ConfigError):
    """A lexicon or rule row that does not lint; the text begins with ``file:line``."""


class InputError(MinerError):
    """A source file that cannot be read as what it claims to be."""

    exit_code = 65


class StoreError(MinerError):
    """A database that is foreign, read-only, of a newer schema, or full."""

    exit_code = 73


class LockedError(MinerError):
    """Another run holds the lock."""

    exit_code = 11


class UpstreamError(MinerError):
    """NCBI did not answer, or answered with something that is no complete answer."""

    exit_code = 75


class PartialError(MinerError):
    """The run ended with records set aside; what could be read is stored."""

    exit_code = 3


class StaleError(MinerError):
    """The evidence base is not as current as a monitor asks for."""

    exit_code = 3


class GateError(MinerError):
    """Rows vanished without a cause, so the export is held back."""

    exit_code = 65
