// SPDX-License-Identifier: Apache-2.0
#include "util/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

#include "util/xalloc.h"

void sha256(const void *p, size_t n, uint8_t out[32])
{
	unsigned len = 32;

	EVP_Digest(p, n, out, &len, EVP_sha256(), NULL);
}

void hex_encode(const void *p, size_t n, char *out)
{
	const uint8_t *c = p;

	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", c[i]);
	out[2 * n] = 0;
}

void sha256_hex(const void *p, size_t n, char *out, size_t chars)
{
	uint8_t d[32];
	char hex[65];

	sha256(p, n, d);
	hex_encode(d, 32, hex);
	memcpy(out, hex, chars);
	out[chars] = 0;
}

void sha1_hex(const void *p, size_t n, char out[41])
{
	uint8_t d[20];
	unsigned len = 20;

	EVP_Digest(p, n, d, &len, EVP_sha1(), NULL);
	hex_encode(d, 20, out);
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32])
{
	unsigned len = 32;

	HMAC(EVP_sha256(), key, (int)key_len, p, n, out, &len);
}

char *base64_encode(const void *p, size_t n)
{
	char *out = xmalloc((n + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)out, p, (int)n);
	return out;
}

ssize_t base64_decode(const char *text, uint8_t *out, size_t cap)
{
	size_t len = strlen(text), pad = 0;
	uint8_t *tmp;

	if (!len || len % 4)
		return -1;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	tmp = xmalloc(len / 4 * 3);
	int n = EVP_DecodeBlock(tmp, (const unsigned char *)text, (int)len);
	if (n < 0 || (size_t)n - pad > cap) {
		free(tmp);
		return -1;
	}
	memcpy(out, tmp, (size_t)n - pad);
	free(tmp);
	return (ssize_t)((size_t)n - pad);
}

uint32_t crc32_of(const void *p, size_t n)
{
	return (uint32_t)crc32(0, p, (uInt)n);
}

void random_bytes(void *p, size_t n)
{
	uint8_t *c = p;

	while (n) {
		ssize_t k = getrandom(c, n, 0);
		if (k > 0) {
			c += k;
			n -= (size_t)k;
		}
	}
}
