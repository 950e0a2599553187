import { word } from "../build/documents";

/** The ready commands that bring a topic's alerts to one's own machine. */

/** What the commands are filled in with. */
export interface Target {
  survey: string;
  topic: string;
  /** The brokers as `host:port,…`. */
  bootstrap: string;
  /** The address of the API, above `v1/`. */
  api: string;
}

/** Where the command line looks unless it is told. */
const USUAL = { api: "http://127.0.0.1:8642", bootstrap: "127.0.0.1:9092" };

/** Makes oneself known to the field's client; needed once on a machine. */
export function finkRegister({ survey, bootstrap }: Target): string {
  return `finkctl auth register -survey ${survey} \\
    -username me -groupid mine -servers ${word(bootstrap)}`;
}

/** Fetches the topic with the field's client. */
export function finkTransfer({ survey, topic }: Target): string {
  return `finkctl transfer -survey ${survey} -topic ${word(topic)} \\
    -outdir alerts -partitionby time --verbose`;
}

/** Fetches the topic with nightferry. */
export const download = (target: Target) => ours("download", target);

/** Compares receipt, topic and folder. */
export const verify = (target: Target) => ours("verify", target);

function ours(command: string, { topic, bootstrap, api }: Target): string {
  const places: string[] = [];
  const base = api.replace(/\/+$/, "");
  if (base !== USUAL.api) places.push(`--api ${word(base)}`);
  if (bootstrap !== USUAL.bootstrap) places.push(`--bootstrap ${word(bootstrap)}`);
  const line = `nightferry ${command} ${word(topic)} --outdir alerts`;
  return places.length ? `${line} \\\n    ${places.join(" ")}` : line;
}

/** A program that reads every alert of the topic: all partitions from the beginning, and ends at their end. */
export function python({ topic, bootstrap }: Target): string {
  return `import io, json
from confluent_kafka import Consumer, KafkaException, TopicPartition
from fastavro import parse_schema, schemaless_reader

TOPIC = ${JSON.stringify(topic)}
consumer = Consumer({
    "bootstrap.servers": ${JSON.stringify(bootstrap)},
    "group.id": "mine",
    "enable.auto.commit": False,
})


def messages(topic):
    """Every message of a topic, from the beginning of each partition to its present end."""
    ends, begins = {}, []
    for partition in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        if high > low:
            ends[partition] = high
            begins.append(TopicPartition(topic, partition, low))
    consumer.assign(begins)
    while ends:
        message = consumer.poll(60)
        if message is None:
            raise SystemExit("the broker does not answer")
        if message.error():
            raise KafkaException(message.error())
        end = ends.get(message.partition(), 0)
        if message.offset() < end:
            yield message
        if message.offset() + 1 == end:
            del ends[message.partition()]


# The schema of all alerts is the key of each message of the schema topic.
schema = parse_schema(json.loads(next(messages(TOPIC + "_schema")).key()))

count = 0
for message in messages(TOPIC):
    alert = schemaless_reader(io.BytesIO(message.value()), schema)  # a dict
    count += 1

print(f"{count:,} alerts; the last one holds {', '.join(alert)}" if count else "no alerts")
consumer.close()
`;
}
