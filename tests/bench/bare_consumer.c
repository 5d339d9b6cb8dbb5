// SPDX-License-Identifier: Apache-2.0
// The speed of light of `./dev bench`: reads a topic from its beginning to its end as fast as librdkafka
// hands it out, and only counts.
//
//     bare_consumer BROKERS TOPIC THREADS [PROPERTY=VALUE ...]
//
// Every thread is a consumer of its own with its share of the partitions, assigned by hand. Prints
// `records seconds cpu_seconds`: from the assignment to the last record; the CPU time of the whole process.
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH = 1000, MAX_THREADS = 64 };

struct reader {
	pthread_t thread;
	rd_kafka_t *rk;
	int partitions;
	long records, bytes;
	double last; // when the newest record was seen
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bare_consumer: %s: %s\n", what, why);
	exit(1);
}

static rd_kafka_t *consumer(char **argv)
{
	static const char *const fixed[][2] = {{"group.id", "bare"},
					       {"enable.auto.commit", "false"},
					       {"enable.auto.offset.store", "false"},
					       {"enable.partition.eof", "true"}};
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why))
		die(argv[1], why);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (rd_kafka_conf_set(conf, fixed[i][0], fixed[i][1], why, sizeof why))
			die(fixed[i][0], why);
	for (char **p = argv + 4; *p; p++) {
		char name[128];
		const char *value = strchr(*p, '=');
		if (!value)
			die(*p, "not PROPERTY=VALUE");
		snprintf(name, sizeof name, "%.*s", (int)(value - *p), *p);
		if (rd_kafka_conf_set(conf, name, value + 1, why, sizeof why))
			die(name, why);
	}
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (!rk)
		die("consumer", why);
	rd_kafka_poll_set_consumer(rk);
	return rk;
}

static int partitions_of(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 0, rkt, &md, 10000);

	if (e)
		die(topic, rd_kafka_err2str(e));
	int n = md->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(md);
	rd_kafka_topic_destroy(rkt);
	return n;
}

static void *read_all(void *arg)
{
	struct reader *r = arg;
	rd_kafka_message_t *batch[BATCH];
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(r->rk);

	for (int ends = 0; ends < r->partitions;) {
		ssize_t n = rd_kafka_consume_batch_queue(queue, 200, batch, BATCH);
		long before = r->records;
		for (ssize_t i = 0; i < n; i++) {
			if (batch[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
				ends++;
			else if (batch[i]->err)
				die("consume", rd_kafka_message_errstr(batch[i]));
			else {
				r->records++;
				r->bytes += (long)batch[i]->len;
			}
			rd_kafka_message_destroy(batch[i]);
		}
		if (r->records > before)
			r->last = now();
	}
	rd_kafka_queue_destroy(queue);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct reader readers[MAX_THREADS];
	int threads = argc < 4 ? 0 : atoi(argv[3]), partitions = 0;

	if (threads < 1 || threads > MAX_THREADS) {
		fprintf(stderr, "usage: %s BROKERS TOPIC THREADS [PROPERTY=VALUE ...]\n", argv[0]);
		return 2;
	}
	for (int t = 0; t < threads; t++)
		readers[t].rk = consumer(argv);
	partitions = partitions_of(readers[0].rk, argv[2]);
	double began = now(), last = began;
	long records = 0;
	for (int t = 0; t < threads; t++) {
		rd_kafka_topic_partition_list_t *mine = rd_kafka_topic_partition_list_new(partitions);
		for (int p = t; p < partitions; p += threads) {
			rd_kafka_topic_partition_list_add(mine, argv[2], p)->offset = RD_KAFKA_OFFSET_BEGINNING;
			readers[t].partitions++;
		}
		rd_kafka_assign(readers[t].rk, mine);
		rd_kafka_topic_partition_list_destroy(mine);
		pthread_create(&readers[t].thread, NULL, read_all, &readers[t]);
	}
	for (int t = 0; t < threads; t++) {
		pthread_join(readers[t].thread, NULL);
		records += readers[t].records;
		last = readers[t].last > last ? readers[t].last : last;
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	printf("%ld %.4f %.4f\n", records, last - began, cpu);
	for (int t = 0; t < threads; t++) {
		rd_kafka_consumer_close(readers[t].rk);
		rd_kafka_destroy(readers[t].rk);
	}
	return 0;
}
