"""For operators: whether data flow, and if not, why."""

from __future__ import annotations

from docs.dashboards.panels import BLUE, GREEN, RED, YELLOW, Dashboard, Panel, Query, Row

FLOWING = Row(
    "Do data flow?",
    (
        Panel(
            "Replicas",
            "Replicas that answer Prometheus.",
            "none",
            (Query("sum(up{$where})"),),
            kind="stat",
            width=3,
            height=4,
            first=RED,
            levels=((1, GREEN),),
            runbook="ScicatIngestDown",
        ),
        Panel(
            "Done per minute",
            "Records with an outcome that Kafka has acknowledged. 0 is good if none wait.",
            "none",
            (Query("sum(job:scicat_ingest_records:rate5m{$where}) * 60"),),
            kind="stat",
            width=3,
            height=4,
            first=BLUE,
        ),
        Panel(
            "Waiting",
            "Records in the topics that are not committed yet.",
            "short",
            (Query("sum(job_topic:scicat_ingest_lag_records:sum{$topics})"),),
            kind="stat",
            width=3,
            height=4,
            levels=((100, YELLOW), (10000, RED)),
            runbook="ScicatIngestStalled",
        ),
        Panel(
            "Oldest open",
            "Age of the oldest record that was begun and is not done.",
            "s",
            (Query("max(job_topic:scicat_ingest_oldest_open_record_age_seconds:max{$topics})"),),
            kind="stat",
            width=3,
            height=4,
            levels=((300, YELLOW), (3600, RED)),
            runbook="ScicatIngestOldestOpenRecord",
        ),
        Panel(
            "Dead letters, last hour",
            "Records that can never be ingested as they are. They are kept: scicat-ingest dlq list.",
            "none",
            (Query("sum(job_topic_reason:scicat_ingest_dead_letters:increase1h{$topics}) or vector(0)"),),
            kind="stat",
            width=3,
            height=4,
            levels=((1, YELLOW), (20, RED)),
            runbook="ScicatIngestDeadLetters",
        ),
        Panel(
            "SciCat",
            "Whether the circuit to SciCat is closed. Open: records wait, and it goes on by itself.",
            "none",
            (Query("max(scicat_ingest_circuit_open{$where})"),),
            kind="stat",
            width=2,
            height=4,
            levels=((1, RED),),
            words=((0, "up", GREEN), (1, "DOWN", RED)),
            runbook="ScicatIngestCircuitOpen",
        ),
        Panel(
            "Kafka",
            "Whether Kafka answers any replica. If not, nothing is read, and it goes on by itself.",
            "none",
            (Query("max(scicat_ingest_kafka_answers{$where})"),),
            kind="stat",
            width=2,
            height=4,
            first=RED,
            levels=((1, GREEN),),
            words=((0, "AWAY", RED), (1, "up", GREEN)),
            runbook="ScicatIngestKafkaAway",
        ),
        Panel(
            "Configuration",
            "Halted: our own configuration is wrong, nothing is read. Nothing is lost.",
            "none",
            (Query("max(scicat_ingest_halted{$where}) or vector(0)"),),
            kind="stat",
            width=3,
            height=4,
            levels=((1, RED),),
            words=((0, "good", GREEN), (1, "HALTED", RED)),
            runbook="ScicatIngestHalted",
        ),
        Panel(
            "Late, last hour",
            "Share of the records that were done more than 5 min after they came. The objective: less than 1 % over 30 days.",
            "percentunit",
            (Query("max(job:scicat_ingest_late_records:ratio_rate1h{$where})"),),
            kind="stat",
            width=2,
            height=4,
            levels=((0.01, YELLOW), (0.144, RED)),
            runbook="ScicatIngestFreshnessBudgetBurning",
        ),
    ),
)

FLOW = Row(
    "How much",
    (
        Panel(
            "Outcomes per minute",
            "What became of the records.",
            "cpm",
            (
                Query(
                    "sum by (outcome) (rate(scicat_ingest_records_total{$topics}[$__rate_interval])) * 60",
                    "{{outcome}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Waiting, by topic",
            "Records that are not committed yet. What grows is not kept up with.",
            "short",
            (Query("sum by (topic) (job_topic:scicat_ingest_lag_records:sum{$topics})", "{{topic}}"),),
            runbook="ScicatIngestStalled",
        ),
        Panel(
            "Time to drain",
            "How long the backlog takes at the speed of the last half hour. No line: nothing waits, or it does not shrink.",
            "s",
            (Query("max by (job) (job:scicat_ingest_lag_records:drain_seconds{$where} < +Inf)", "{{job}}"),),
            levels=((4 * 3600, RED),),
            runbook="ScicatIngestTimeToDrain",
        ),
    ),
)

AGE = Row(
    "How fresh",
    (
        Panel(
            "Age when done",
            "From the record's Kafka timestamp to its acknowledged outcome. Dots are traces. Replays count by their original time.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({quantile}, sum by (le) "
                    "(rate(scicat_ingest_record_age_at_commit_seconds_bucket{$topics}[$__rate_interval])))",
                    f"{quantile:.0%} are younger",
                    exemplars=True,
                )
                for quantile in (0.5, 0.95, 0.99)
            ),
            levels=((300, RED),),
            runbook="ScicatIngestFreshnessBudgetBurning",
        ),
        Panel(
            "Oldest open record, by topic",
            "Age of the oldest record that was begun and is not done. A run told in several records keeps its start open.",
            "s",
            (
                Query(
                    "max by (topic) (job_topic:scicat_ingest_oldest_open_record_age_seconds:max{$topics})", "{{topic}}"
                ),
            ),
            levels=((3600, YELLOW), (6 * 3600, RED)),
            runbook="ScicatIngestOldestOpenRecord",
        ),
        Panel(
            "Burn rate",
            "How many times faster than allowed the budget of late records is used up. 1: all of it, in 30 days.",
            "none",
            tuple(
                Query(f"max(job:scicat_ingest_late_records:ratio_rate{window}{{$where}}) / 0.01", f"last {window}")
                for window in ("5m", "1h", "6h", "3d")
            ),
            levels=((6, YELLOW), (14.4, RED)),
            runbook="ScicatIngestFreshnessBudgetBurning",
        ),
    ),
)

WRONG = Row(
    "What is wrong",
    (
        Panel(
            "Dead letters within the last hour, by reason",
            "docs/outcomes.md lists all reasons.",
            "short",
            (
                Query(
                    "sum by (topic, reason) (job_topic_reason:scicat_ingest_dead_letters:increase1h{$topics} > 0)",
                    "{{topic}}: {{reason}}",
                ),
            ),
            stacked=True,
            runbook="ScicatIngestDeadLetters",
        ),
        Panel(
            "Paused",
            "Share of the time in which nothing new was begun, by reason, averaged over the replicas.",
            "percentunit",
            (
                Query(
                    "avg by (reason) (rate(scicat_ingest_paused_seconds_total{$where}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
        ),
        Panel(
            "What stops it",
            "Red: SciCat is down for us; the configuration is wrong; a source sends nonsense and is held.",
            "none",
            (
                Query("max by (job) (scicat_ingest_circuit_open{$where})", "SciCat down"),
                Query("max by (reason) (scicat_ingest_halted{$where})", "halted: {{reason}}"),
                Query("max by (topic) (scicat_ingest_source_held{$topics})", "held: {{topic}}"),
            ),
            kind="state-timeline",
            levels=((1, RED),),
            words=((0, "no", GREEN), (1, "yes", RED)),
            runbook="ScicatIngestHalted",
        ),
        Panel(
            "Alerts that fire",
            "Each has a runbook of its name.",
            "none",
            (
                Query(
                    "max by (severity, alertname, job, topic, reason) "
                    '(ALERTS{alertname=~"ScicatIngest.*", alertstate="firing", $where})',
                ),
            ),
            kind="table",
            width=24,
            height=6,
        ),
    ),
)

OVERVIEW = Dashboard(
    "scicat-ingest-overview",
    "scicat-ingest: overview",
    "Whether acquisitions become datasets, and what to do if not.",
    (FLOWING, FLOW, AGE, WRONG),
)
"""The operators' page."""
