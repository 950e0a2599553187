"""What AWS allows and what it asks: each figure with where it is from and as of when. Change them here.

Prices are list prices of us-east-1 in US dollars, without free tiers, those of infra/README.md ("What it costs") unless
said otherwise.
"""

# The archive and its service

NIGHTS = 2_000
ALERTS = 200_000_000
ARCHIVE_BYTES = 8e12
FILE_BYTES = 128e6
"""Spark writes files of about 128 MB: 62,500 of them."""

# Lambda

WORKER_GB = 3538 / 1024
"""`WorkerMemory` of infra/template.yaml: two virtual CPUs, as one comes with each 1,769 MB (docs.aws.amazon.com/lambda,
"Configure Lambda function memory", November 2026)."""
CPU_OF_LAMBDA = 1.0
"""How fast a virtual CPU is beside a core of the machine that the rates were measured on. Assumed: not measured on
AWS."""
FUNCTION_BYTES_A_SECOND = 600e6 / 8
"""The network of one function, each way: about 600 Mbit/s whatever its memory
(github.com/sjakthol/aws-network-benchmark, July 2024). Up to 3 Gbit/s are to be had since August 2026, but not within
a VPC (aws.amazon.com/about-aws/whats-new/2026/08/aws-lambda-network-bandwidth), where workers are as MSK is."""
ACCOUNT_CONCURRENCY = 1_000
"""Functions of an account at once, unless raised (docs.aws.amazon.com/lambda/latest/dg/limits.html, November 2026)."""
FIRST_WORKERS = 5
MORE_WORKERS_A_SECOND = 300 / 60
"""A queue begins with five functions at once and adds up to 300 a minute (docs.aws.amazon.com/lambda, "Configuring
scaling behavior for SQS event source mappings", 2025)."""
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_REQUEST = 0.20e-6
"""x86, December 2025."""

# S3

CONNECTION_BYTES_A_SECOND = 90e6
"""One connection: "85–90 MB/s" (docs.aws.amazon.com/AmazonS3, "Performance guidelines", 2025; about 90 MB/s from
Lambda, github.com/cargo-lambda/cargo-lambda/pull/589, January 2024)."""
CONNECTIONS = 8
"""Requests of a worker under way at once (`shared/archive/src/bytes_source.rs`)."""
GETS_A_SECOND = 5_500
"""Of one prefix; a night has its own, but S3 parts prefixes only once they are used, so the whole archive is taken
for one (docs.aws.amazon.com/AmazonS3, "Performance design patterns", 2025)."""
FIRST_BYTE_SECONDS = 0.1
"""Until an answer begins: "roughly 100–200 milliseconds" (docs.aws.amazon.com/AmazonS3, "Performance design
patterns", 2025)."""
S3_GET = 0.0004 / 1000
"""November 2026, as others tell."""

# MSK

BROKERS = 3
REPLICAS = 3
BROKER_DISK_BYTES_A_SECOND = 250 * 1024**2
"""What a broker's disk takes unless more is paid for; each byte is written by as many brokers as it has replicas
(docs.aws.amazon.com/msk, "Manage storage throughput for Standard brokers", 2026), on brokers whose network is not
slower: kafka.m7g.2xlarge and larger."""
BROKER_HOUR = 0.816
"""kafka.m7g.2xlarge, four times the 0.20 of infra/README.md's smallest. To be checked."""
DISK_GB_MONTH = 0.10
"""Of a broker's disk. To be checked."""
RETENTION_DAYS = 7
ZONES_GB = 0.01 * 2 * 2 / 3
"""Between zones 0.01 a GB and direction; two thirds of what is sent go to brokers in other zones. To be checked."""

# DynamoDB

WRITES_A_SECOND = 4
"""A worker writes a row of 2 KB twice a second, paid by the KB."""
TABLE_WRITE = 0.625e-6
"""July 2025."""
