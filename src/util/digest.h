// SPDX-License-Identifier: Apache-2.0
// SHA-256, HMAC, base64, hex, CRC-32 and random bytes, by OpenSSL's libcrypto and zlib.
#ifndef KD_UTIL_DIGEST_H
#define KD_UTIL_DIGEST_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

void sha256(const void *p, size_t n, uint8_t out[32]);
// The first `chars` (<= 64) hex digits of the SHA-256, NUL-terminated; out >= chars + 1.
void sha256_hex(const void *p, size_t n, char *out, size_t chars);
void sha1_hex(const void *p, size_t n, char out[41]); // only where a protocol demands it
void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32]);
char *base64_encode(const void *p, size_t n);                        // the caller frees
ssize_t base64_decode(const char *text, uint8_t *out, size_t cap);   // bytes, or -1 if malformed or too long
void hex_encode(const void *p, size_t n, char *out);                 // out >= 2n + 1
uint32_t crc32_of(const void *p, size_t n);
void random_bytes(void *p, size_t n);                                // from the kernel
#endif
