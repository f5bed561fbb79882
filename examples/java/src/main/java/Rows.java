import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileInputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.arrow.flight.CallOption;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.Ticket;
import org.apache.arrow.flight.auth2.BearerCredentialWriter;
import org.apache.arrow.flight.grpc.CredentialCallOption;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BaseIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FloatingPointVector;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.UInt8Vector;
import org.apache.arrow.vector.complex.BaseListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;

/**
 * Prints the rows that a request asks for, one JSON object a line.
 *
 * <pre>java --add-opens=java.base/java.nio=ALL-UNNAMED ... Rows grpc://127.0.0.1:8815 '{"file": "tables.h5", "dataset": "/events"}'</pre>
 *
 * With TLS the location is grpc+tls://HOST:PORT. Variables say the rest: TLS_CA, TLS_CERT and TLS_KEY are PEM files, MTFLIGHT_TOKEN is a bearer, and MTFLIGHT_LOGIN is
 * NAME:PASSWORD.
 */
public final class Rows {
  public static void main(String[] args) throws Exception {
    var json = new ObjectMapper();
    var out = new PrintStream(System.out, false, UTF_8);
    try (var allocator = new RootAllocator();
        var client = connect(allocator, args[0]);
        var batches = client.getStream(new Ticket(args[1].getBytes(UTF_8)), login(client))) {
      while (batches.next()) {
        var batch = batches.getRoot();
        for (int i = 0; i < batch.getRowCount(); i++) {
          out.println(json.writeValueAsString(row(batch.getFieldVectors(), i, batches.getDictionaryProvider())));
        }
      }
    }
    out.flush();
  }

  static FlightClient connect(RootAllocator allocator, String location) throws Exception {
    var builder = FlightClient.builder(allocator, new Location(location.replace("grpc:", "grpc+tcp:")));
    if (System.getenv("TLS_CA") != null) {
      builder.useTls().trustedCertificates(new FileInputStream(System.getenv("TLS_CA")));
    }
    if (System.getenv("TLS_CERT") != null) {
      builder.clientCertificate(new FileInputStream(System.getenv("TLS_CERT")), new FileInputStream(System.getenv("TLS_KEY")));
    }
    return builder.build();
  }

  /** What goes with each call. A name and password are changed for a bearer by Flight's handshake. */
  static CallOption[] login(FlightClient client) {
    var token = System.getenv("MTFLIGHT_TOKEN");
    var login = System.getenv("MTFLIGHT_LOGIN");
    if (token != null) {
      return new CallOption[] {new CredentialCallOption(new BearerCredentialWriter(token.strip()))};
    } else if (login != null) {
      var parts = login.split(":", 2);
      return new CallOption[] {client.authenticateBasicToken(parts[0], parts[1]).orElseThrow()};
    }
    return new CallOption[] {};
  }

  static Map<String, Object> row(List<FieldVector> columns, int i, DictionaryProvider dictionaries) {
    var row = new LinkedHashMap<String, Object>();
    for (var column : columns) {
      row.put(column.getName(), value(column, i, dictionaries));
    }
    return row;
  }

  static final Map<TimeUnit, ChronoUnit> UNITS =
      Map.of(TimeUnit.SECOND, ChronoUnit.SECONDS, TimeUnit.MILLISECOND, ChronoUnit.MILLIS, TimeUnit.MICROSECOND, ChronoUnit.MICROS, TimeUnit.NANOSECOND, ChronoUnit.NANOS);

  /** An element as JSON has it. Arrow's getObject gives negative numbers for large unsigned ones, and the bits of 16-bit floats. */
  static Object value(FieldVector v, int i, DictionaryProvider dictionaries) {
    if (v.isNull(i)) {
      return null;
    }
    var encoding = v.getField().getDictionary();
    if (encoding != null) {
      var names = (FieldVector) dictionaries.lookup(encoding.getId()).getVector();
      return value(names, ((Number) v.getObject(i)).intValue(), dictionaries);
    }
    if (v instanceof StructVector s) {
      return row(s.getChildrenFromFields(), i, dictionaries);
    } else if (v instanceof BaseListVector l) {
      var items = l.getChildrenFromFields().get(0);
      return IntStream.range(l.getElementStartIndex(i), l.getElementEndIndex(i)).mapToObj(j -> value(items, j, dictionaries)).toList();
    } else if (v instanceof UInt8Vector u) {
      return u.getObjectNoOverflow(i);
    } else if (v instanceof BaseIntVector n) {
      return n.getValueAsLong(i);
    }
    if (v instanceof FloatingPointVector f) {
      return f.getValueAsDouble(i);
    } else if (v instanceof TimeStampVector t) {
      return Instant.EPOCH.plus(t.get(i), UNITS.get(((ArrowType.Timestamp) v.getField().getType()).getUnit())).toString();
    }
    var value = v.getObject(i);
    return value instanceof byte[] || value instanceof Boolean ? value : value.toString();
  }
}
