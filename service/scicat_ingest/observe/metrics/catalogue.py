"""All metrics of the service, each with its meaning and with what to do about it.

No label has a pid, an offset or anything else that events bring: the number of series depends on topics and partitions.
"""

from __future__ import annotations

from scicat_ingest.observe.metrics.metric import Metric

_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WORK_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

# Records

RECORDS = Metric(
    "records_total",
    "counter",
    "records whose outcome is acknowledged; outcome: created, already_present, completed, updated, dead_lettered, "
    "ignored",
    "no increase while there is lag: see the status page for what it waits for",
    ("topic", "outcome"),
)
DEAD_LETTERS = Metric(
    "dead_letters_total",
    "counter",
    "dead letters by reason and by whose fault it is (docs/outcomes.md)",
    "each is an acquisition that is not in SciCat: `scicat-ingest dlq list`",
    ("topic", "reason", "fault_class"),
)
IGNORED = Metric(
    "ignored_total",
    "counter",
    "records that there was nothing to do about, by reason (docs/outcomes.md)",
    "unmatched: does a mapping file miss records that are meant for us?",
    ("topic", "reason"),
)
AGE_AT_COMMIT = Metric(
    "record_age_at_commit_seconds",
    "histogram",
    "from a record's Kafka timestamp until its outcome is acknowledged; exemplars carry the producer's trace id",
    "the freshness that users see; late: look at lag, circuit and rate",
    ("topic",),
    "s",
    (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0),
)
WORK = Metric(
    "record_work_seconds",
    "histogram",
    "from receiving a record until its outcome is acknowledged, waits and retries included",
    "high while requests are fast: it waits for files, look-ups or its turn",
    ("topic",),
    "s",
    _WORK_SECONDS,
)
LAST_OUTCOME = Metric(
    "last_outcome_timestamp_seconds",
    "gauge",
    "when the last outcome was acknowledged, in seconds since 1970; absent before the first",
    "old while there is lag: nothing goes on",
    unit="s",
)

# Kafka

LAG = Metric(
    "lag_records",
    "gauge",
    "offsets of an owned partition that are not committed: its known end less what is committed. "
    "The end is at most 15 s old; absent while it is not known",
    "grows for long: raise the rate, add replicas (up to the number of partitions), or ask why SciCat is slow",
    ("topic", "partition"),
)
OLDEST_OPEN = Metric(
    "oldest_open_record_age_seconds",
    "gauge",
    "age of the first record of an owned partition that was read and is not done, by its Kafka timestamp; 0: none. "
    "The start of a run that has not ended counts",
    "above half the topic's retention: records are about to be lost",
    ("topic", "partition"),
    "s",
)
RETENTION = Metric(
    "topic_retention_seconds",
    "gauge",
    "how long the input topic keeps records, as read at start; absent: for ever, or we may not read it",
    "less than 30 days: an outage that people overlook loses records",
    ("topic",),
    "s",
)
ASSIGNED = Metric(
    "assigned_partitions",
    "gauge",
    "partitions that this replica reads",
    "0 for minutes: more replicas than partitions, or a rebalance that does not end",
)
REBALANCES = Metric(
    "rebalances_total",
    "counter",
    "how often this replica was given its partitions",
    "often: replicas restart, or die of memory; see the log",
)
DRAIN = Metric(
    "drain_seconds",
    "histogram",
    "how long it took to finish and commit what was started, at a rebalance or the end",
    "near 20 s: requests to SciCat take long; what was not finished comes again",
    unit="s",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0),
)
KAFKA_ANSWERS = Metric(
    "kafka_answers",
    "gauge",
    "1: Kafka told the ends of our partitions when it was last asked, every 15 s; 0: it did not; absent before",
    "are the brokers up, and can this replica reach them?",
)
COMMITS = Metric(
    "commits_total",
    "counter",
    "commits of offsets; result: success, failure",
    "failures: Kafka does not answer, or this replica was too slow and lost its partitions",
    ("result",),
)
PUBLISHES = Metric(
    "publishes_total",
    "counter",
    "outcomes sent to Kafka; kind: ingested, dead_letter; result: success, failure (it is tried again)",
    "failures: brokers are away, too few replicas are in sync, or our rights are gone",
    ("kind", "result"),
)

# What is held

HELD = Metric(
    "held_records",
    "gauge",
    "records in memory; state: queued, working (at SciCat), waiting (for a retry or a file), publishing",
    "publishing for long: Kafka does not acknowledge; waiting for long: see the log for what",
    ("state",),
)
HELD_BYTES = Metric(
    "held_bytes",
    "gauge",
    "the size of records in memory; state: as in held_records",
    "near its limit: large events",
    ("state",),
    "bytes",
)
HELD_LIMIT = Metric("held_limit_records", "gauge", "`limits.held_records`", "what held_records is compared with")
HELD_LIMIT_BYTES = Metric(
    "held_limit_bytes", "gauge", "`limits.held_bytes`", "what held_bytes is compared with", unit="bytes"
)
PAUSED = Metric(
    "paused_seconds_total",
    "counter",
    "time in which something was not read; reason: circuit, halt, held_limit (enough is in memory, of a partition or "
    "in all), source_held, kafka (does not answer or not acknowledge)",
    "the reason says where to look; held_limit alone is normal with a backlog",
    ("reason",),
    "s",
)

# SciCat

ATTEMPTS = Metric(
    "scicat_attempts_total",
    "counter",
    "requests to SciCat; result: success, record (it refuses this document), transient (not now, or no answer), "
    "credential, endpoint (wrong address, or no right to use it), conflict (it is there already), dependency (what was "
    "looked up is not there)",
    "transient: is SciCat well? credential, endpoint: our settings",
    ("route", "result"),
)
REQUEST_SECONDS = Metric(
    "scicat_request_seconds",
    "histogram",
    "duration of one request; exemplars carry the producer's trace id",
    "rises: SciCat is slow; the concurrency limit follows by itself",
    ("route",),
    "s",
    _REQUEST_SECONDS,
)
COST = Metric(
    "scicat_requests_per_record",
    "histogram",
    "requests that one record has cost, retries and look-ups included; ignored and broken records cost 0",
    "rises: retries, repairs, or long file lists",
    buckets=(1, 2, 3, 5, 8, 13, 21, 50, 100, 500),
)
CONCURRENCY = Metric(
    "concurrency_limit",
    "gauge",
    "how many records may be at SciCat at once, as found out by trying; `limits.max_concurrency` bounds it",
    "stays at 1 or 2: SciCat is slow or pushes back",
)
IN_FLIGHT = Metric("requests_in_flight", "gauge", "requests that wait for SciCat's answer", "compare concurrency_limit")
WAITING = Metric(
    "gate_waiting",
    "gauge",
    "who waits where; gate: lane (records, for an earlier one of the same acquisition), circuit (records, while it is "
    "not closed), concurrency (records, for a place), rate (requests)",
    "lane: few acquisitions have many records; rate: limits.requests_per_second is what bounds the throughput",
    ("gate",),
)
RATE = Metric(
    "rate_limit_per_second",
    "gauge",
    "this replica's share of `limits.requests_per_second`; absent when there is no limit",
    "the sum over replicas is the limit",
    unit="1/s",
)
RETRY_TOKENS = Metric(
    "retry_budget_tokens", "gauge", "what is left for retries; below 5 the circuit opens", "falls: many requests fail"
)
RETRY_LIMIT = Metric("retry_budget_limit", "gauge", "a full retry budget", "what retry_budget_tokens is compared with")
CIRCUIT_OPEN = Metric(
    "circuit_open",
    "gauge",
    "1: SciCat counts as down, work is paused and nothing is lost; 0: it works. Trying one record counts as open",
    "is SciCat up? The status page says why it opened",
)
CIRCUIT_OPENED = Metric(
    "circuit_opened_total", "counter", "how often it opened", "often: SciCat comes and goes, or is overloaded"
)
TOKEN_ISSUED = Metric(
    "token_issued_timestamp_seconds",
    "gauge",
    "when SciCat made the present token, in seconds since 1970: time() less this is its age; absent if it does not say",
    "older than a token lives: it is not renewed",
    unit="s",
)
TOKEN_EXPIRES = Metric(
    "token_expires_timestamp_seconds",
    "gauge",
    "when SciCat's token ends, in seconds since 1970; absent if it does not say",
    "a given token (scicat.token_file) is not renewed by the service: put a new one there in time",
    unit="s",
)
TOKEN_RENEWALS = Metric(
    "token_renewals_total",
    "counter",
    "logins, the first included, or new tokens found in scicat.token_file; result: success, failure",
    "failures: password or account have changed, or SciCat is down",
    ("result",),
)

# The service itself

STATE = Metric(
    "state", "gauge", "1 for the engine's present state (docs/states.md)", "halted: see `halted`", ("state",)
)
HALTED = Metric(
    "halted",
    "gauge",
    "1 while our own configuration is wrong: nothing is read, nothing is lost; absent else",
    "the reason is a code of docs/outcomes.md; it goes on by itself when the cause is gone",
    ("reason",),
)
SOURCE_HELD = Metric(
    "source_held",
    "gauge",
    "1: too many dead letters in a row, so this topic is not read; 0: it is",
    "correct the mapping or the producer, then restart the service",
    ("topic",),
)
LOOP_LAG = Metric(
    "loop_lag_seconds",
    "gauge",
    "the longest that the event loop was late within the last 15 s",
    "above 1: something blocks it; at 5 s /livez fails",
    unit="s",
)
BUILD = Metric("build_info", "gauge", "always 1", "which version runs where", ("version", "python"))

CATALOGUE = (
    RECORDS,
    DEAD_LETTERS,
    IGNORED,
    AGE_AT_COMMIT,
    WORK,
    LAST_OUTCOME,
    LAG,
    OLDEST_OPEN,
    RETENTION,
    ASSIGNED,
    REBALANCES,
    DRAIN,
    KAFKA_ANSWERS,
    COMMITS,
    PUBLISHES,
    HELD,
    HELD_BYTES,
    HELD_LIMIT,
    HELD_LIMIT_BYTES,
    PAUSED,
    ATTEMPTS,
    REQUEST_SECONDS,
    COST,
    CONCURRENCY,
    IN_FLIGHT,
    WAITING,
    RATE,
    RETRY_TOKENS,
    RETRY_LIMIT,
    CIRCUIT_OPEN,
    CIRCUIT_OPENED,
    TOKEN_ISSUED,
    TOKEN_EXPIRES,
    TOKEN_RENEWALS,
    STATE,
    HALTED,
    SOURCE_HELD,
    LOOP_LAG,
    BUILD,
)
