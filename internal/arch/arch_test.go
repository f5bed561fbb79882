package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

const module = "github.com/mtflight/mtflight/"

// layers are the folders from left to right and top to bottom: a package imports only packages of later lines, or of
// its own folder. A package belongs to the longest line that it starts with.
var layers = []string{
	"cmd/mtflight",
	"examples",
	"flight/client",
	"flight/serve",
	"flight",
	"flight/internal",
	"reader/collection",
	"reader",
	"reader/internal/attributes",
	"reader/internal/listing",
	"reader/internal/sparse",
	"reader/internal/frames",
	"reader/internal/explain",
	"reader/internal/stages",
	"reader/internal/follow",
	"reader/internal/order",
	"reader/internal/match",
	"reader/internal/index",
	"reader/internal/fill",
	"reader/internal/spill",
	"reader/internal/virtual",
	"reader/internal/store",
	"reader/internal/rows",
	"reader/internal/columns",
	"reader/internal/frame",
	"reader/internal/witness",
	"reader/internal/version",
	"reader/internal/location",
	"reader/internal/conventions",
	"reader/where",
	"reader/internal/counters",
	"reader/internal/machine",
	"reader/internal/h5proc",
	"reader/internal/h5c",
	"reader/internal/ptindex",
	"reader/internal/indexdir",
	"reader/internal/chunkstats",
	"reader/internal/vds",
	"reader/internal/chunkcache",
	"reader/internal/colcache",
	"reader/internal/sched",
	"reader/internal/objects",
	"reader/internal/meta",
	"reader/internal/attrs",
	"reader/internal/gheap",
	"reader/internal/chunkindex",
	"reader/internal/h5test",
	"reader/internal/h5file",
	"reader/internal/filter",
	"reader/internal/typeconv",
	"reader/internal/blockio",
	"reader/internal/pages",
	"convert",
	"convert/h5type",
	"internal/sink",
	"protocol",
	"internal/parquet",
	"internal/zstd",
	"internal/cells",
	"internal/strict",
	"internal/reload",
	"internal/objectstore",
	"internal/blockcache",
	"internal/disks",
	"internal/bufpool",
	"internal/obs",
	"internal/span",
	"internal/deps",
	"internal/arch",
	"internal/glob",
	"internal/near",
	"internal/spell",
	"internal/arrowtest",
	"internal/certtest",
	"internal/cputime",
	"internal/secret",
	"internal/jail",
	"internal/sqlwire",
	"internal/identity",
	"internal/fault",
}

// pure packages start no goroutine and touch nothing outside their arguments.
var pure = []string{"convert", "convert/h5type", "protocol", "internal/strict", "reader/where", "reader/internal/filter", "reader/internal/typeconv", "reader/internal/chunkindex",
	"reader/internal/h5file", "reader/internal/objects", "reader/internal/attrs"}

var impure = []string{"os", "os/exec", "os/signal", "net", "net/http", "syscall", "golang.org/x/sys/unix", "io/ioutil"}

// onlyIn names the one folder that may import a package.
var onlyIn = map[string]string{"gonum.org/v1/hdf5": "reader/internal/h5c", "github.com/apache/arrow-go/v18/parquet/file": "internal/parquet"}

type listed struct {
	Dir, ImportPath string
	Imports         []string
	GoFiles         []string
	CgoFiles        []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func (p listed) sources() []string {
	var paths []string
	for _, f := range slices.Concat(p.GoFiles, p.CgoFiles) {
		paths = append(paths, filepath.Join(p.Dir, f))
	}
	return paths
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Imports,GoFiles,CgoFiles", module+"...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

func layerOf(name string) int {
	best, length := -1, -1
	for i, l := range layers {
		if (name == l || strings.HasPrefix(name, l+"/")) && len(l) > length {
			best, length = i, len(l)
		}
	}
	return best
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from := layerOf(p.name())
		require.NotEqual(t, -1, from, "%s has no place in layers: add it where it belongs", p.name())
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			to := layerOf(name)
			require.LessOrEqual(t, from, to, "%s imports %s, which is above it", p.name(), name)
		}
	}
}

// TestRoomsStandAlone: what is inside reader knows nothing of reader, and each package has a place in layers of its own.
func TestRoomsStandAlone(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.name(), "reader/internal/") {
			require.Contains(t, layers, p.name(), "add it to layers, below what imports it")
			require.NotContains(t, p.Imports, module+"reader", p.name())
		}
	}
}

func TestOnlyOneImporter(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			home, guarded := onlyIn[imported]
			if guarded {
				seen[imported] = true
				require.Equal(t, home, p.name(), "only %s may import %s", home, imported)
			}
		}
	}
	require.Len(t, seen, len(onlyIn))
}

// TestClientLinksAnywhere: the Go client needs no C library and no package that may be in a program only once. Only Go's own
// packages have cgo, and do without.
func TestClientLinksAnywhere(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}} {{len .CgoFiles}}", "./flight/client", "./protocol")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		var name string
		var standard bool
		var cgo int
		_, err := fmt.Sscan(line, &name, &standard, &cgo)
		require.NoError(t, err)
		require.True(t, standard || cgo == 0, "flight/client needs cgo for %s", name)
		require.NotContains(t, name, "arrow/flight", "flight/client must not register Flight's messages")
		ours, is := strings.CutPrefix(name, module)
		require.False(t, is && (ours == "flight" || strings.HasPrefix(ours, "reader")), "flight/client must not import %s", ours)
	}
	for _, system := range []string{"darwin", "windows"} {
		cmd := exec.Command("go", "build", "./flight/client")
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", system, said)
	}
}

func TestPurePackages(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.name()) {
			continue
		}
		for _, imported := range p.Imports {
			require.NotContains(t, impure, imported, "%s must not import it", p.name())
		}
		for _, path := range p.sources() {
			for _, at := range goStatements(t, path) {
				t.Errorf("%s: %s starts a goroutine", at, p.name())
			}
		}
	}
}

func goStatements(t *testing.T, path string) (places []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if n, ok := n.(*ast.GoStmt); ok {
			places = append(places, set.Position(n.Pos()).String())
		}
		return true
	})
	return places
}

// Sizes: beyond these a file, function or package wants to be two.
const (
	maxFileLines     = 400
	maxFunctionLines = 70
	maxPackageLines  = 3500
	maxPackageFiles  = 30
	maxReaderLines   = 3000
)

// many are packages that are large since they hold many of one kind, each in a file of its own.
var many = map[string]string{
	"reader/where":           "a kernel for each operator and type of conditions",
	"reader/internal/filter": "a codec for each of HDF5's registered filters",
}

func TestPackageSizes(t *testing.T) {
	for _, p := range packages(t) {
		lines, most := 0, maxPackageLines
		for _, path := range p.sources() {
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			lines += bytes.Count(file, []byte("\n"))
		}
		if p.name() == "reader" {
			most = maxReaderLines
		}
		if many[p.name()] != "" {
			require.Greater(t, lines, most/2, "%s is no exception any more", p.name())
			continue
		}
		require.LessOrEqual(t, lines, most, "%s: lines", p.name())
		require.LessOrEqual(t, len(p.sources()), maxPackageFiles, "%s: files", p.name())
	}
}

func TestSizes(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.sources() {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			require.NoError(t, err)
			rel := filepath.Join(p.name(), filepath.Base(path))
			if lines := set.File(file.Pos()).LineCount(); lines > maxFileLines {
				t.Errorf("%s has %d lines, more than %d", rel, lines, maxFileLines)
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					if lines := set.Position(f.End()).Line - set.Position(f.Pos()).Line; lines > maxFunctionLines {
						t.Errorf("%s: %s has %d lines, more than %d", rel, f.Name.Name, lines, maxFunctionLines)
					}
				}
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		commented := false
		for _, path := range p.sources() {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
			require.NoError(t, err)
			commented = commented || file.Doc != nil
		}
		require.True(t, commented || len(p.sources()) == 0, "%s has no package comment", p.name())
	}
}

// TestMessagesNameNoPackage: what starts with a package's name is made by fault.New, which leaves it out.
func TestMessagesNameNoPackage(t *testing.T) {
	var inside []string
	for _, p := range packages(t) {
		if strings.Contains(p.name(), "/internal/") || strings.HasPrefix(p.name(), "internal/") {
			inside = append(inside, filepath.Base(p.name()))
		}
	}
	known := []string{"attributes", "bench", "check", "index", "explain", "filter", "stage", "where", "parquet"} // to users: commands, members, formats
	seen := 0
	for _, p := range packages(t) {
		for _, path := range p.sources() {
			for _, m := range messages(t, path) {
				room, _, prefixed := strings.Cut(m, ": ")
				if prefixed && slices.Contains(inside, room) && !slices.Contains(known, room) {
					seen++
					require.Contains(t, fault.Rooms, room, "%s: %q", path, m)
				}
			}
		}
	}
	require.Greater(t, seen, 100)
}

// messages are the formats that a file gives to fault.New.
func messages(t *testing.T, path string) (formats []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "New" {
			if text, ok := call.Args[1].(*ast.BasicLit); ok && text.Kind == token.STRING {
				formats = append(formats, strings.Trim(text.Value, `"`))
			}
		}
		return true
	})
	return formats
}
