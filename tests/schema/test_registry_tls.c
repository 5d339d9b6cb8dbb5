// SPDX-License-Identifier: Apache-2.0
// The registry client over TLS: openssl's own server with certificates of a private authority made for the test.
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema/registry.h"
#include "util/clock.h"
#include "util/xalloc.h"

// NAME.pem and NAME.key: good, expired, of another host; of two authorities, ca and stranger.
static const char making[] =
    "set -e; cd \"$0\"; new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "for a in ca stranger; do $new -x509 -keyout $a.key -out $a.pem -subj /CN=$a -days 2; done\n"
    "for c in good,IP:127.0.0.1,2 expired,IP:127.0.0.1,-1 other,DNS:registry.example,2; do\n"
    "	IFS=, read -r name san days <<-end\n$c\nend\n"
    "	$new -keyout $name.key -out $name.csr -subj /CN=$name\n"
    "	echo subjectAltName=$san >$name.ext\n"
    "	openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile $name.ext "
    "-out $name.pem\n"
    "done; echo rubbish >rubbish.pem; mkdir -p schemas/ids; echo '{\"schema\":\"\\\"int\\\"\"}' >schemas/ids/7\n";

static char dir[32];

static void make_certificates(void)
{
	snprintf(dir, sizeof dir, "/tmp/kdrift-tls-XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	pid_t pid = fork();
	if (!pid) {
		freopen("/dev/null", "w", stderr);
		execlp("sh", "sh", "-c", making, dir, (char *)NULL);
		_exit(127);
	}
	int status;
	cr_assert(waitpid(pid, &status, 0) == pid && status == 0, "openssl makes no certificates");
}

static void clean(void)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert(system(command) == 0);
}

static char *in_dir(const char *name)
{
	return name ? xasprintf("%s/%s", dir, name) : NULL;
}

struct server {
	pid_t pid;
	FILE *says;
	char url[64];
};

static void start(struct server *s, const char *name, bool wants_certificate)
{
	char cert[32], key[32], line[200];
	int out[2], port = 0;

	snprintf(cert, sizeof cert, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	cr_assert(pipe(out) == 0);
	s->pid = fork();
	if (!s->pid) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		if (chdir(dir))
			_exit(127);
		execlp("openssl", "openssl", "s_server", "-WWW", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key,
		       "-CAfile", "ca.pem", wants_certificate ? "-Verify" : (char *)NULL, "1", "-verify_return_error",
		       (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	s->says = fdopen(out[0], "r");
	while (!port && fgets(line, sizeof line, s->says))
		sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
	cr_assert(port > 0);
	snprintf(s->url, sizeof s->url, "https://127.0.0.1:%d", port);
}

static void stop(struct server *s)
{
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
	fclose(s->says);
}

struct trust {
	const char *ca, *cert, *key; // names in dir
};

// "known", or what is said of the first failure.
static char *outcome(const char *url, struct trust t)
{
	char *urls[] = {xstrdup(url)}, *ca = in_dir(t.ca), *cert = in_dir(t.cert), *key = in_dir(t.key), *said = NULL;
	struct registry_conf conf = {.urls = urls, .nurls = 1, .timeout_ms = 5000, .token = "s3cret-token",
				     .ca_file = ca, .cert_file = cert, .key_file = key};
	struct registry *r = registry_new(&conf, NULL);
	struct mono_time until = mono_after_ms(15000);
	const struct registry_schema *schema;
	struct registry_stats st;

	while (!said && !mono_passed(until)) {
		if (registry_schema(r, 7, &schema) == REGISTRY_KNOWN)
			said = xstrdup("known");
		registry_stats(r, &st);
		if (!said && st.failures)
			said = xstrdup(st.last_error);
		poll(NULL, 0, 2);
	}
	cr_assert(said != NULL);
	cr_expect(strstr(said, "s3cret") == NULL, "%s", said);
	registry_free(r);
	free(urls[0]);
	free(ca);
	free(cert);
	free(key);
	return said;
}

static void expect(const char *url, struct trust t, const char *what, const char *mend)
{
	char *said = outcome(url, t);

	cr_expect(strstr(said, what) && strstr(said, mend), "%s", said);
	if (mend[0])
		cr_expect(strstr(said, "https://127.0.0.1:") != NULL, "says on what: %s", said);
	free(said);
}

TestSuite(registry_tls, .init = make_certificates, .fini = clean, .timeout = 60);

Test(registry_tls, a_private_authority)
{
	struct server s;

	start(&s, "good", false);
	expect(s.url, (struct trust){.ca = "ca.pem"}, "known", "");
	expect(s.url, (struct trust){0}, "certificate", "name the authority that signed its certificate in schema_registry.tls.ca_file");
	expect(s.url, (struct trust){.ca = "stranger.pem"}, "certificate", "stranger.pem (schema_registry.tls.ca_file)");
	expect(s.url, (struct trust){.ca = "rubbish.pem"}, "rubbish.pem", "must hold certificates as PEM");
	expect(s.url, (struct trust){.ca = "absent.pem"}, "absent.pem", "must hold certificates as PEM");
	stop(&s);
}

Test(registry_tls, certificates_that_are_not_good)
{
	struct server s;

	start(&s, "expired", false);
	expect(s.url, (struct trust){.ca = "ca.pem"}, "expired", "renew the registry's certificate");
	stop(&s);
	start(&s, "other", false);
	expect(s.url, (struct trust){.ca = "ca.pem"}, "127.0.0.1", "write a name of the certificate into schema_registry.url");
	stop(&s);
}

Test(registry_tls, a_client_certificate)
{
	struct server s;

	start(&s, "good", true);
	expect(s.url, (struct trust){"ca.pem", "other.pem", "other.key"}, "known", "");
	expect(s.url, (struct trust){"ca.pem", "other.pem", "good.key"}, "key", "cert_file and key_file must hold");
	expect(s.url, (struct trust){"ca.pem", "rubbish.pem", "other.key"}, "rubbish.pem", "cert_file and key_file must hold");
	expect(s.url, (struct trust){.ca = "ca.pem"}, "certificate required", "give schema_registry.tls.cert_file");
	stop(&s);
}

Test(registry_tls, a_port_that_speaks_plain_http)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(zero(int, bind(fd, (struct sockaddr *)&a, n) || listen(fd, 1) || getsockname(fd, (struct sockaddr *)&a, &n)));
	pid_t pid = fork();
	if (!pid) {
		static const char said[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
		int client = accept(fd, NULL, NULL);
		_exit(client < 0 || send(client, said, sizeof said - 1, MSG_NOSIGNAL) < 0);
	}
	char *url = xasprintf("https://127.0.0.1:%d", ntohs(a.sin_port));
	expect(url, (struct trust){.ca = "ca.pem"}, "SSL", "names a port that speaks TLS");
	free(url);
	close(fd);
	waitpid(pid, NULL, 0);
}
