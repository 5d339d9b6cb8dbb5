// SPDX-License-Identifier: Apache-2.0
// Java's own verdict on pairs of Avro schemas: a line {"writer":..., "reader":...} in, a line out with the kinds
// of incompatibility in the order found, comma-separated ("" where it is compatible).
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

class Compat {
    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null;) {
            JsonNode pair = mapper.readTree(line);
            Schema reader = new Schema.Parser().parse(pair.get("reader").toString());
            Schema writer = new Schema.Parser().parse(pair.get("writer").toString());
            System.out.println(SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult()
                    .getIncompatibilities().stream().map(i -> i.getType().toString())
                    .collect(Collectors.joining(",")));
        }
    }
}
