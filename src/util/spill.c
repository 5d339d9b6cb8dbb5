// SPDX-License-Identifier: Apache-2.0
#include "util/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/xalloc.h"

struct spill {
	int fd;
	size_t n, most;
	uint8_t *map; // of `most` bytes, n of which are there
};

static int open_in(const char *dir)
{
	char *path = xasprintf("%s/kdrift-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

struct spill *spill_new(size_t most)
{
	const char *dirs[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < ARRAY_LEN(dirs); i++)
		if (dirs[i] && *dirs[i])
			fd = open_in(dirs[i]);
	if (fd < 0)
		return NULL;
	void *map = mmap(NULL, most, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	struct spill *s = xmalloc(sizeof *s);
	*s = (struct spill){.fd = fd, .most = most, .map = map};
	return s;
}

const uint8_t *spill_add(struct spill *s, const void *bytes, size_t n)
{
	if (n > s->most - s->n)
		return NULL;
	for (size_t done = 0; done < n;) {
		ssize_t k = pwrite(s->fd, (const char *)bytes + done, n - done, (off_t)(s->n + done));

		if (!k || (k < 0 && errno != EINTR))
			return NULL;
		done += k > 0 ? (size_t)k : 0;
	}
	s->n += n;
	return s->map + s->n - n;
}

void spill_close(struct spill *s)
{
	if (s && s->fd >= 0)
		close(s->fd);
	if (s)
		s->fd = -1;
}

void spill_forget(struct spill *s)
{
	if (s)
		madvise(s->map, s->most, MADV_DONTNEED);
}

void spill_free(struct spill *s)
{
	if (!s)
		return;
	spill_close(s);
	munmap(s->map, s->most);
	free(s);
}
