"""For developers: what limits it, and what it does with its time."""

from __future__ import annotations

from docs.dashboards.panels import RED, YELLOW, Dashboard, Panel, Query, Row

DELIVERY = Row(
    "SciCat",
    (
        Panel(
            "Attempts per second, by result",
            "Requests to SciCat, and what their answers mean (docs/answers.md).",
            "reqps",
            (
                Query(
                    "sum by (result) (rate(scicat_ingest_scicat_attempts_total{$where}[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            stacked=True,
            runbook="ScicatIngestCircuitOpen",
        ),
        Panel(
            "Attempts per second, by route",
            "Requests to SciCat.",
            "reqps",
            (
                Query(
                    "sum by (route) (rate(scicat_ingest_scicat_attempts_total{$where}[$__rate_interval]))", "{{route}}"
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Latency, 95 % are faster",
            "One attempt, by route. Dots are traces.",
            "s",
            (
                Query(
                    "histogram_quantile(0.95, sum by (le, route) "
                    "(rate(scicat_ingest_scicat_request_seconds_bucket{$where}[$__rate_interval])))",
                    "{{route}}",
                    exemplars=True,
                ),
            ),
        ),
        Panel(
            "Requests per record",
            "What one record costs SciCat. More than 5 at the median: many blocks, repairs or look-ups.",
            "none",
            tuple(
                Query(
                    f"histogram_quantile({quantile}, sum by (le) "
                    "(rate(scicat_ingest_scicat_requests_per_record_bucket{$where}[$__rate_interval])))",
                    f"{quantile:.0%} need less",
                )
                for quantile in (0.5, 0.95)
            ),
        ),
        Panel(
            "Token",
            "Time until it expires. A login is renewed by itself, a given token is not.",
            "s",
            (
                Query(
                    "clamp_min(min by (job) (scicat_ingest_token_expires_timestamp_seconds{$where} > 0) - time(), 0)",
                    "expires: {{job}}",
                ),
            ),
            runbook="ScicatIngestCredentialExpiresSoon",
        ),
        Panel(
            "Token renewals within an hour",
            "Logins by result. Failures that go on end in a halt.",
            "none",
            (Query("sum by (result) (increase(scicat_ingest_token_renewals_total{$where}[1h]))", "{{result}}"),),
            runbook="ScicatIngestCredentialsRefused",
        ),
    ),
)

PACE = Row(
    "What limits it",
    (
        Panel(
            "Records at once",
            "The limit that the service finds for SciCat, and requests that are under way.",
            "none",
            (
                Query("sum(scicat_ingest_concurrency_limit{$where})", "limit"),
                Query("sum(scicat_ingest_requests_in_flight{$where})", "in flight"),
            ),
        ),
        Panel(
            "Waiting at the gates",
            "What would be sent, and waits: for the circuit, for a place, for the rate limit.",
            "none",
            (Query("sum by (gate) (scicat_ingest_gate_waiting{$where})", "{{gate}}"),),
            stacked=True,
        ),
        Panel(
            "Rate limit",
            "Requests per second that the replicas may send, and those that they do. No limit: no line.",
            "reqps",
            (
                Query("sum(scicat_ingest_rate_limit_per_second{$where})", "limit"),
                Query("sum(rate(scicat_ingest_scicat_attempts_total{$where}[$__rate_interval]))", "sent"),
            ),
        ),
        Panel(
            "Retry budget",
            "What is left of it, at the replica that has the least. At 0 the circuit opens.",
            "percentunit",
            (
                Query(
                    "min(scicat_ingest_retry_budget_tokens{$where} / scicat_ingest_retry_budget_limit{$where})", "left"
                ),
            ),
        ),
        Panel(
            "Circuit opened within an hour",
            "More than a few: SciCat is overloaded, or comes and goes.",
            "none",
            (Query("sum by (job) (increase(scicat_ingest_circuit_opened_total{$where}[1h]))", "{{job}}"),),
            levels=((6, YELLOW),),
            runbook="ScicatIngestCircuitOpen",
        ),
        Panel(
            "Work per record",
            "From received to acknowledged: half, and 95 %, are faster.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({quantile}, sum by (le) "
                    "(rate(scicat_ingest_record_work_seconds_bucket{$topics}[$__rate_interval])))",
                    f"{quantile:.0%} are faster",
                    exemplars=True,
                )
                for quantile in (0.5, 0.95)
            ),
        ),
    ),
)

HELD = Row(
    "What is held in memory",
    (
        Panel(
            "Records held, by state",
            "At the limit nothing more is fetched.",
            "short",
            (
                Query("sum by (state) (scicat_ingest_held_records{$where})", "{{state}}"),
                Query("sum(scicat_ingest_held_limit_records{$where})", "limit"),
            ),
        ),
        Panel(
            "Bytes held",
            "Bytes of the records as they came; decoded they take about five times as much.",
            "bytes",
            (
                Query("sum by (state) (scicat_ingest_held_bytes{$where})", "{{state}}"),
                Query("sum(scicat_ingest_held_limit_bytes{$where})", "limit"),
            ),
        ),
        Panel(
            "Seconds since the last outcome",
            "At the replica that had one last. Grows when nothing comes, too.",
            "s",
            (Query("time() - max by (job) (scicat_ingest_last_outcome_timestamp_seconds{$where} > 0)", "{{job}}"),),
            runbook="ScicatIngestStalled",
        ),
    ),
)

KAFKA = Row(
    "Kafka",
    (
        Panel(
            "State",
            "What each replica does now: docs/states.md.",
            "none",
            (Query("max by (instance, state) (scicat_ingest_state{$where} == 1)", "{{instance}} {{state}}"),),
            kind="state-timeline",
            words=((1, "so", "blue"),),
        ),
        Panel(
            "Partitions, by replica",
            "How many partitions each replica has.",
            "none",
            (Query("max by (instance) (scicat_ingest_assigned_partitions{$where})", "{{instance}}"),),
            stacked=True,
            runbook="ScicatIngestNoPartitions",
        ),
        Panel(
            "Rebalances within 15 min",
            "Each stops all replicas for a moment.",
            "none",
            (Query("max by (job) (increase(scicat_ingest_rebalances_total{$where}[15m]))", "{{job}}"),),
            levels=((3, YELLOW),),
            runbook="ScicatIngestRebalancingTooOften",
        ),
        Panel(
            "Drain",
            "How long it takes to finish what is started, when partitions go or the service stops; at most 20 s.",
            "s",
            (
                Query(
                    "histogram_quantile(0.95, sum by (le) (rate(scicat_ingest_drain_seconds_bucket{$where}[$__rate_interval])))",
                    "95 % are faster",
                ),
            ),
            levels=((20, RED),),
        ),
        Panel(
            "Commits per minute",
            "Offset commits, by result.",
            "cpm",
            (
                Query(
                    "sum by (result) (rate(scicat_ingest_commits_total{$where}[$__rate_interval])) * 60", "{{result}}"
                ),
            ),
        ),
        Panel(
            "Outcomes published per minute",
            "Messages to the outcome topics, by kind and result.",
            "cpm",
            (
                Query(
                    "sum by (kind, result) (rate(scicat_ingest_publishes_total{$where}[$__rate_interval])) * 60",
                    "{{kind}}: {{result}}",
                ),
            ),
            runbook="ScicatIngestKafkaNotAcknowledging",
        ),
    ),
)

PROCESS = Row(
    "The process",
    (
        Panel(
            "Loop lag",
            "How late the event loop was at worst within 15 s. Near the session timeout (45 s) the partitions are gone.",
            "s",
            (Query("max by (instance) (scicat_ingest_loop_lag_seconds{$where})", "{{instance}}"),),
            levels=((1, YELLOW), (10, RED)),
        ),
        Panel(
            "CPU",
            "Cores that are used. One loop uses one core at most; readers of files use more.",
            "none",
            (Query("sum by (instance) (rate(process_cpu_seconds_total{$where}[$__rate_interval]))", "{{instance}}"),),
        ),
        Panel(
            "Memory",
            "Resident memory.",
            "bytes",
            (Query("sum by (instance) (process_resident_memory_bytes{$where})", "{{instance}}"),),
        ),
        Panel(
            "Open files",
            "File descriptors, and how many there may be.",
            "none",
            (
                Query("max by (instance) (process_open_fds{$where})", "{{instance}}"),
                Query("min(process_max_fds{$where})", "limit"),
            ),
        ),
        Panel(
            "Garbage collections per second",
            "By generation.",
            "ops",
            (
                Query(
                    "sum by (generation) (rate(python_gc_collections_total{$where}[$__rate_interval]))",
                    "generation {{generation}}",
                ),
            ),
        ),
        Panel(
            "Versions",
            "What runs.",
            "none",
            (Query("count by (job, version, python) (scicat_ingest_build_info{$where})"),),
            kind="table",
        ),
    ),
)

ENGINE = Dashboard(
    "scicat-ingest-engine",
    "scicat-ingest: engine",
    "What limits the service, and what it does with its time. docs/engine.md and docs/delivery.md explain the words.",
    (DELIVERY, PACE, HELD, KAFKA, PROCESS),
)
"""The developers' page."""
