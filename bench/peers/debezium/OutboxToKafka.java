import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Debezium's engine on an outbox table, as its documentation sets it up: the outbox event router, a consumer of whole batches, a batch
 * marked as processed once Kafka has acknowledged all of it. Arguments: a properties file of the engine, one of the producer.
 *
 * Reads commands, a line each: `drain N` lets so many events through and answers `drained N SECONDS` when the last one is acknowledged;
 * `flow` lets everything through from then on. It ends when nothing more can be read.
 */
public final class OutboxToKafka implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> {
    private static final long ALL = Long.MAX_VALUE;

    private final Producer<byte[], byte[]> producer;
    private final SynchronousQueue<Long> commands = new SynchronousQueue<>();
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    /** How many may still be sent; 0 waits for a command. */
    private long allowed = 0;
    private long asked = 0;
    private long startedAt = 0;

    private OutboxToKafka(Producer<byte[], byte[]> producer) {
        this.producer = producer;
    }

    public static void main(String[] args) throws Exception {
        Properties producerSettings = properties(args[1]);
        var consumer = new OutboxToKafka(new KafkaProducer<>(producerSettings, new ByteArraySerializer(), new ByteArraySerializer()));
        DebeziumEngine<RecordChangeEvent<SourceRecord>> engine = DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                .using(properties(args[0]))
                .using((DebeziumEngine.ConnectorCallback) new DebeziumEngine.ConnectorCallback() {
                    @Override
                    public void taskStarted() {
                        say("started");
                    }
                })
                .using((success, message, error) -> say("ended " + message))
                .notifying(consumer)
                .build();
        Thread running = new Thread(engine, "engine");
        running.setDaemon(true);
        running.start();
        try (var commands = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                String[] words = line.split(" ");
                consumer.commands.put(words[0].equals("drain") ? Long.valueOf(words[1]) : Long.valueOf(ALL));
            }
        }
        Runtime.getRuntime().halt(0);
    }

    @Override
    public void handleBatch(
            List<RecordChangeEvent<SourceRecord>> events, DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
            throws InterruptedException {
        for (var event : events) {
            if (allowed == 0) {
                asked = commands.take();
                allowed = asked;
                startedAt = System.nanoTime();
            }
            producer.send(messageOf(event.record()), (metadata, error) -> failure.compareAndSet(null, error));
            allowed -= 1;
            if (allowed == 0) {
                acknowledged();
                say("drained " + asked + " " + (System.nanoTime() - startedAt) / 1e9);
            }
        }
        acknowledged();
        for (var event : events) committer.markProcessed(event);
        committer.markBatchFinished();
    }

    private void acknowledged() {
        producer.flush();
        if (failure.get() != null) throw new IllegalStateException("Kafka did not take a message", failure.get());
    }

    private static ProducerRecord<byte[], byte[]> messageOf(SourceRecord record) {
        List<Header> headers = new ArrayList<>();
        record.headers().forEach(header -> {
            if (header.value() != null) headers.add(new RecordHeader(header.key(), bytes(header.value())));
        });
        return new ProducerRecord<>(record.topic(), null, bytes(record.key()), bytes(record.value()), headers);
    }

    private static byte[] bytes(Object value) {
        return value.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Properties properties(String file) throws Exception {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(file))) {
            properties.load(reader);
        }
        return properties;
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
