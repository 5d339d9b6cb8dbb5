// SPDX-License-Identifier: Apache-2.0
// Made by make_framing_cases.py.
static const struct {
	const char *schema;
	uint64_t fingerprint;
} fingerprints[] = {
	{"\"null\"",
	 0x63dd24e7cc258f8a},
	{"\"int\"",
	 0x7275d51a3f395c8f},
	{"{\"type\": \"string\", \"doc\": \"x\", \"logicalType\": \"uuid\"}",
	 0x8f014872634503c7},
	{"[\"null\", \"long\", {\"type\": \"int\", \"x\": 1}]",
	 0xf46f13c41e8bb82b},
	{"{\"type\": \"array\", \"items\": {\"type\": \"map\", \"values\": \"bytes\"}}",
	 0x2bc85592cce8049a},
	{"{\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"a.b\", \"size\": 16, \"aliases\": [\"G\"]}",
	 0x1a642d4806ad71d1},
	{"{\"name\": \"E\", \"symbols\": [\"B\", \"A\"], \"type\": \"enum\", \"default\": \"A\", \"doc\": \"y\"}",
	 0xe6e42317f7c5b1a1},
	{"{\"doc\": \"z\", \"type\": \"record\", \"namespace\": \"x.y\", \"name\": \"Point\", \"fields\": [{\"type\": \"double\", \"default\": 1.5, \"name\": \"x\"}, {\"name\": \"y\", \"type\": {\"type\": \"double\"}}]}",
	 0x29a53ec94ba61df1},
	{"{\"type\": \"record\", \"name\": \"x.List\", \"aliases\": [\"Old\"], \"fields\": [{\"name\": \"value\", \"type\": {\"type\": \"fixed\", \"name\": \"Id\", \"size\": 4}, \"order\": \"ignore\"}, {\"name\": \"other\", \"type\": \"Id\"}, {\"name\": \"third\", \"type\": {\"type\": \"enum\", \"name\": \"q.E\", \"symbols\": [\"S\"]}}, {\"name\": \"next\", \"type\": [\"null\", \"List\"], \"default\": null}]}",
	 0x32e68c940373545a},
};

#define V0 "\x00\x00\x01\xe2\x40"
#define V1 "\x01\x89\x79\x17\x62\x23\x36\x41\x86\x96\x74\x29\x9b\x90\xa8\x02\xe2"
#define LONG "\x00\x00\x00\x00\x00\x01\xe2\x40"
#define LONG_V0 "\x00\x00\x00\x00\x00\x00\x01\xe2\x40"
#define SINGLE "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72"
#define GUID "89791762-2336-4186-9674-299b90a802e2"
