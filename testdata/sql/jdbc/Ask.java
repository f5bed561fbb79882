import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Timestamp;
import java.util.Arrays;
import java.util.HexFormat;

/** Answers each line of its input by JDBC: "tables", "columns TABLE", or a statement and, behind tabs, its parameters as i:7, d:2.5, s:text, b:true, x:00ff, t:2024-01-01 00:00:00, n:. */
public class Ask {
    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Connection c = DriverManager.getConnection(args[0])) {
            for (String line; (line = in.readLine()) != null;) {
                try {
                    answer(c, line);
                } catch (Exception e) {
                    System.out.println("error\t" + e.getMessage().replace("\n", " "));
                }
                System.out.println();
            }
        }
    }

    static void answer(Connection c, String line) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        if (line.equals("about")) {
            System.out.println(m.getDatabaseProductName() + "\t" + m.isReadOnly() + "\t" + m.supportsTransactions());
        } else if (line.equals("tables")) {
            try (ResultSet r = m.getTables(null, null, "%", null)) {
                print(r, "TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE");
            }
        } else if (line.startsWith("columns ")) {
            try (ResultSet r = m.getColumns(null, null, line.substring(8), "%")) {
                print(r, "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "NULLABLE", "ORDINAL_POSITION");
            }
        } else {
            String[] parts = line.split("\t", -1);
            try (PreparedStatement p = c.prepareStatement(parts[0])) {
                for (int i = 1; i < parts.length; i++) {
                    set(p, i, parts[i]);
                }
                try (ResultSet r = p.executeQuery()) {
                    if (parts[0].startsWith("/* others */")) {
                        others(r);
                        return;
                    }
                    rows(r);
                }
            }
        }
    }

    static void set(PreparedStatement p, int i, String value) throws Exception {
        String text = value.substring(2);
        switch (value.charAt(0)) {
            case 'i' -> p.setLong(i, Long.parseLong(text));
            case 'd' -> p.setDouble(i, Double.parseDouble(text));
            case 'b' -> p.setBoolean(i, Boolean.parseBoolean(text));
            case 'x' -> p.setBytes(i, HexFormat.of().parseHex(text));
            case 't' -> p.setTimestamp(i, Timestamp.valueOf(text));
            case 'n' -> p.setNull(i, java.sql.Types.BIGINT);
            default -> p.setString(i, text);
        }
    }

    static void print(ResultSet r, String... columns) throws Exception {
        while (r.next()) {
            var out = new StringBuilder();
            for (String c : columns) {
                out.append(out.isEmpty() ? "" : "\t").append(r.getString(c));
            }
            System.out.println(out);
        }
    }

    static void rows(ResultSet r) throws Exception {
        ResultSetMetaData m = r.getMetaData();
        while (r.next()) {
            var out = new StringBuilder();
            for (int i = 1; i <= m.getColumnCount(); i++) {
                out.append(i > 1 ? "\t" : "").append(shown(r.getObject(i)));
            }
            System.out.println(out);
        }
    }

    /** How numbers beyond the signed ones are told apart from negative ones, and times with a zone are read. */
    static void others(ResultSet r) throws Exception {
        while (r.next()) {
            var out = new StringBuilder();
            for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) {
                String one;
                try {
                    one = r.getMetaData().getColumnType(i) == java.sql.Types.TIMESTAMP || r.getMetaData().getColumnType(i) == java.sql.Types.TIMESTAMP_WITH_TIMEZONE
                            ? r.getTimestamp(i).toInstant().toString() : String.valueOf(r.getLong(i)) + "/" + r.getBigDecimal(i) + "/" + r.getString(i);
                } catch (Exception e) {
                    one = "error " + e;
                }
                out.append(i > 1 ? "\t" : "").append(one);
            }
            System.out.println(out);
        }
    }

    static String shown(Object o) throws Exception {
        if (o instanceof byte[] b) {
            return HexFormat.of().formatHex(b);
        }
        if (o instanceof java.sql.Array a) {
            return Arrays.deepToString((Object[]) a.getArray());
        }
        return String.valueOf(o);
    }
}
