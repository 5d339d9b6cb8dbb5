// SPDX-License-Identifier: Apache-2.0
// The shim to libprotobuf: .proto texts to tables. No exception leaves this file. Nothing of the library stays
// behind: the tables are plain C.
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "schema/proto.h"
#include "util/xalloc.h"
}

namespace pb = google::protobuf;

namespace {

constexpr const char *MAIN = "the schema";
constexpr size_t MAX_MESSAGES = 10000;
constexpr int MAX_BRACES = 100; // the library's parser calls itself

// What schemas import without referring to it, beside what libprotobuf brings along.
const std::map<std::string, const char *> builtin = {
    {"confluent/meta.proto", R"(
syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
  repeated Rule rules = 4;
}
message Rule {
  string name = 1;
  string doc = 2;
  string expr = 3;
  string sql = 4;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
)"},
    {"confluent/type/decimal.proto", R"(
syntax = "proto3";
package confluent.type;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
)"},
};

// Keeps the first.
class Complaints : public pb::io::ErrorCollector, public pb::DescriptorPool::ErrorCollector {
public:
	std::string first;

	void AddError(int line, int column, const std::string &message) override
	{
		note("line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message);
	}

	void AddError(const std::string &file, const std::string &element, const pb::Message *, ErrorLocation,
		      const std::string &message) override
	{
		note((file == MAIN ? "" : file + ": ") + element + ": " + message);
	}

private:
	void note(const std::string &text)
	{
		if (first.empty())
			first = text;
	}
};

struct Trouble : std::exception {
	std::string why;
	explicit Trouble(std::string text) : why(std::move(text)) {}
};

int sextet(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? std::strchr(digits, c) : nullptr;

	return at ? static_cast<int>(at - digits) : -1;
}

// Some writers register a FileDescriptorProto in base64: a text without a single ';' or space. False: it is not that.
bool from_base64(const std::string &text, std::string *out)
{
	unsigned bits = 0, n = 0;

	for (char c : text) {
		int v = sextet(c);

		if (c == '=' || c == '\n' || c == '\r')
			continue;
		if (v < 0)
			return false;
		bits = bits << 6 | static_cast<unsigned>(v);
		if ((n += 6) >= 8)
			out->push_back(static_cast<char>(bits >> (n -= 8) & 0xff));
	}
	return !out->empty();
}

pb::FileDescriptorProto read_file(const char *name, const std::string &text)
{
	pb::FileDescriptorProto file;
	std::string bytes;

	if (from_base64(text, &bytes)) {
		if (!file.ParseFromString(bytes))
			throw Trouble("it is neither a .proto text nor a file descriptor in base64");
	} else {
		int depth = 0;

		for (char c : text)
			if ((depth += (c == '{') - (c == '}')) > MAX_BRACES)
				throw Trouble("it is nested deeper than " + std::to_string(MAX_BRACES));
		pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
		Complaints complaints;
		pb::io::Tokenizer tokens(&stream, &complaints);
		pb::compiler::Parser parser;

		parser.RecordErrorsTo(&complaints);
		if (!parser.Parse(&tokens, &file) || !complaints.first.empty())
			throw Trouble(complaints.first.empty() ? "it is no .proto text" : complaints.first);
	}
	file.set_name(name);
	return file;
}

class Files {
public:
	pb::DescriptorPool pool{pb::DescriptorPool::generated_pool()};

	const pb::FileDescriptor *add(const char *name, const std::string &text)
	{
		pb::FileDescriptorProto file = read_file(name, text);
		Complaints complaints;

		for (const std::string &import : file.dependency()) {
			auto known = builtin.find(import);

			if (known != builtin.end() && !pool.FindFileByName(import))
				add(known->first.c_str(), known->second);
			else if (!pool.FindFileByName(import))
				throw Trouble("it imports " + import + ", which is none of its references");
		}
		const pb::FileDescriptor *built = pool.BuildFileCollectingErrors(file, &complaints);
		if (!built)
			throw Trouble(complaints.first.empty() ? "it cannot be understood" : complaints.first);
		return built;
	}
};

// An owner until the tables are whole.
struct Tables {
	struct proto *p = static_cast<struct proto *>(xcalloc(1, sizeof *p));

	~Tables() { proto_free(p); }
	struct proto *take()
	{
		struct proto *whole = p;

		p = nullptr;
		return whole;
	}
};

template <typename T> T *make(size_t n)
{
	return static_cast<T *>(xcalloc(n + 1, sizeof(T)));
}

enum proto_kind kind_of(pb::FieldDescriptor::Type t)
{
	switch (t) {
	case pb::FieldDescriptor::TYPE_DOUBLE:
		return PROTO_DOUBLE;
	case pb::FieldDescriptor::TYPE_FLOAT:
		return PROTO_FLOAT;
	case pb::FieldDescriptor::TYPE_INT32:
		return PROTO_INT32;
	case pb::FieldDescriptor::TYPE_INT64:
		return PROTO_INT64;
	case pb::FieldDescriptor::TYPE_UINT32:
		return PROTO_UINT32;
	case pb::FieldDescriptor::TYPE_UINT64:
		return PROTO_UINT64;
	case pb::FieldDescriptor::TYPE_SINT32:
		return PROTO_SINT32;
	case pb::FieldDescriptor::TYPE_SINT64:
		return PROTO_SINT64;
	case pb::FieldDescriptor::TYPE_FIXED32:
		return PROTO_FIXED32;
	case pb::FieldDescriptor::TYPE_FIXED64:
		return PROTO_FIXED64;
	case pb::FieldDescriptor::TYPE_SFIXED32:
		return PROTO_SFIXED32;
	case pb::FieldDescriptor::TYPE_SFIXED64:
		return PROTO_SFIXED64;
	case pb::FieldDescriptor::TYPE_BOOL:
		return PROTO_BOOL;
	case pb::FieldDescriptor::TYPE_ENUM:
		return PROTO_ENUM;
	case pb::FieldDescriptor::TYPE_STRING:
		return PROTO_STRING;
	case pb::FieldDescriptor::TYPE_BYTES:
		return PROTO_BYTES;
	default:
		return PROTO_MESSAGE;
	}
}

enum proto_special special_of(const std::string &name)
{
	static const std::set<std::string> wrappers = {"Double", "Float", "Int64", "UInt64", "Int32",
						       "UInt32", "Bool",  "String", "Bytes"};
	static const std::string space = "google.protobuf.";

	if (name.compare(0, space.size(), space) != 0)
		return PROTO_PLAIN;
	std::string rest = name.substr(space.size());
	if (rest == "Timestamp")
		return PROTO_TIMESTAMP;
	if (rest == "Duration")
		return PROTO_DURATION;
	bool value = rest.size() > 5 && rest.compare(rest.size() - 5, 5, "Value") == 0;
	return value && wrappers.count(rest.substr(0, rest.size() - 5)) ? PROTO_WRAPPER : PROTO_PLAIN;
}

class Builder {
public:
	// The file's messages, and all that they reach.
	void build(const pb::FileDescriptor *file, struct proto *p)
	{
		for (int i = 0; i < file->message_type_count(); i++)
			message(file->message_type(i));
		for (size_t i = 0; i < messages.size(); i++) { // grows meanwhile
			const pb::Descriptor *d = messages[i];

			if (d->file() == file)
				for (int k = 0; k < d->nested_type_count(); k++)
					message(d->nested_type(k));
			for (int k = 0; k < d->field_count(); k++)
				reach(d->field(k));
			if (messages.size() > MAX_MESSAGES)
				throw Trouble("it has more than " + std::to_string(MAX_MESSAGES) + " messages");
		}
		p->messages = make<struct proto_message>(messages.size());
		p->nmessages = messages.size();
		p->enums = make<struct proto_enum>(enums.size());
		p->nenums = enums.size();
		for (size_t i = 0; i < enums.size(); i++)
			put(enums[i], &p->enums[i]);
		for (size_t i = 0; i < messages.size(); i++)
			put(messages[i], p, &p->messages[i]);
		p->top = make<uint32_t>(static_cast<size_t>(file->message_type_count()));
		for (int i = 0; i < file->message_type_count(); i++)
			p->top[p->ntop++] = message(file->message_type(i));
	}

private:
	std::vector<const pb::Descriptor *> messages;
	std::vector<const pb::EnumDescriptor *> enums;
	std::map<const void *, uint32_t> known;

	template <typename T> uint32_t number(std::vector<const T *> &list, const T *d)
	{
		auto at = known.find(d);

		if (at != known.end())
			return at->second;
		list.push_back(d);
		return known[d] = static_cast<uint32_t>(list.size() - 1);
	}

	uint32_t message(const pb::Descriptor *d) { return number(messages, d); }

	void reach(const pb::FieldDescriptor *f)
	{
		if (f->type() == pb::FieldDescriptor::TYPE_MESSAGE)
			message(f->message_type());
		else if (f->type() == pb::FieldDescriptor::TYPE_ENUM)
			number(enums, f->enum_type());
	}

	void put(const pb::EnumDescriptor *d, struct proto_enum *e)
	{
		size_t n = static_cast<size_t>(d->value_count());

		e->name = xstrdup(d->full_name().c_str());
		e->closed = d->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2;
		e->symbols = make<char *>(n + 1);
		e->numbers = make<int32_t>(n);
		e->sorted = make<uint32_t>(n);
		for (int i = 0; i < d->value_count(); i++) {
			const pb::EnumValueDescriptor *v = d->value(i);

			if (d->FindValueByNumber(v->number()) != v) // another name of a number
				continue;
			e->symbols[e->n] = xstrdup(v->name().c_str());
			e->numbers[e->n] = v->number();
			e->sorted[e->n] = static_cast<uint32_t>(e->n);
			e->n++;
		}
		e->symbols[e->n] = xstrdup(PROTO_OTHER_SYMBOL);
		std::sort(e->sorted, e->sorted + e->n,
			  [e](uint32_t a, uint32_t b) { return e->numbers[a] < e->numbers[b]; });
	}

	void put(const pb::FieldDescriptor *d, const struct proto *p, struct proto_field *f)
	{
		const pb::OneofDescriptor *oneof = d->real_containing_oneof();
		bool entry = d->containing_type()->options().map_entry();

		f->name = xstrdup(d->name().c_str());
		f->number = static_cast<uint32_t>(d->number());
		f->kind = kind_of(d->type());
		f->shape = d->is_map() ? PROTO_MAP : d->is_repeated() ? PROTO_MANY : PROTO_ONE;
		f->required = d->is_required();
		f->presence = d->has_presence() && !f->required && !entry;
		f->utf8 = d->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
		f->oneof = oneof ? oneof->index() : -1;
		if (f->kind == PROTO_MESSAGE) {
			f->type = message(d->message_type());
		} else if (f->kind == PROTO_ENUM) {
			f->type = number(enums, d->enum_type());
			f->initial = static_cast<uint32_t>(
			    proto_symbol(&p->enums[f->type], d->default_value_enum()->number()));
		}
	}

	void put(const pb::Descriptor *d, const struct proto *p, struct proto_message *m)
	{
		size_t n = static_cast<size_t>(d->field_count());

		m->name = xstrdup(d->full_name().c_str());
		m->special = special_of(d->full_name());
		m->entry = d->options().map_entry();
		m->noneofs = static_cast<size_t>(d->real_oneof_decl_count());
		m->fields = make<struct proto_field>(n);
		m->by_number = make<uint32_t>(n);
		for (int i = 0; i < d->field_count(); i++) {
			if (d->field(i)->type() == pb::FieldDescriptor::TYPE_GROUP)
				continue;
			m->by_number[m->nfields] = static_cast<uint32_t>(m->nfields);
			put(d->field(i), p, &m->fields[m->nfields++]);
		}
		std::sort(m->by_number, m->by_number + m->nfields,
			  [m](uint32_t a, uint32_t b) { return m->fields[a].number < m->fields[b].number; });
		m->nested = make<uint32_t>(static_cast<size_t>(d->nested_type_count()));
		for (int i = 0; i < d->nested_type_count() && known.count(d->nested_type(i)); i++)
			if (!d->nested_type(i)->options().map_entry())
				m->nested[m->nnested++] = message(d->nested_type(i));
	}
};

struct proto *parse(const struct schema_text *s)
{
	Files files;
	Tables tables;

	for (size_t i = 0; i < s->nrefs; i++) {
		try {
			if (!files.pool.FindFileByName(s->refs[i].name))
				files.add(s->refs[i].name, s->refs[i].text);
		} catch (const Trouble &t) {
			throw Trouble(std::string("reference ") + s->refs[i].name + ": " + t.why);
		}
	}
	const pb::FileDescriptor *file = files.add(MAIN, std::string(s->text, s->len));
	if (!file->message_type_count())
		throw Trouble("it has no message");
	Builder().build(file, tables.p);
	return tables.take();
}

void quiet(pb::LogLevel, const char *, int, const std::string &) {}

} // namespace

extern "C" struct proto *proto_parse(const struct schema_text *schema, struct error *err)
{
	static const auto before = pb::SetLogHandler(quiet);

	(void)before;
	try {
		return parse(schema);
	} catch (const Trouble &t) {
		error_set(err, "%.400s", t.why.c_str());
	} catch (const std::exception &e) {
		error_set(err, "libprotobuf: %.300s", e.what());
	} catch (...) {
		error_set(err, "libprotobuf gave up on it");
	}
	return nullptr;
}
