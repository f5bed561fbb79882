package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/settings"
	"github.com/mtflight/mtflight/flight/serve"
)

// another is a value of each setting that is not its default, as a flag has it.
var another = map[string][]string{
	"root":            {"a=/one", "/two"},
	"collection":      {"runs=a/*.h5:/events", "maps=b/*.nc:/t"},
	"listen":          {"grpc://127.0.0.1:1", "grpc+unix:///s"},
	"advertise":       {"grpc://h:2"},
	"peers":           {"dns:///h:2"},
	"insecure":        {"true"},
	"socket-mode":     {"0660"},
	"drain":           {"1m30s"},
	"read-timeout":    {"7s"},
	"helpers":         {"3"},
	"tls-cert":        {"/tls/cert.pem"},
	"tls-key":         {"/tls/key.pem"},
	"tls-client-ca":   {"/tls/ca.pem"},
	"auth-tokens":     {"/etc/tokens"},
	"auth-users":      {"/etc/users"},
	"token-key":       {"/etc/token.key"},
	"oidc-issuer":     {"https://login.example"},
	"oidc-audience":   {"mtflight"},
	"rules":           {"/etc/rules.yaml"},
	"admin":           {"127.0.0.1:3"},
	"slow":            {"5s"},
	"traces":          {"http://127.0.0.1:4317"},
	"log-level":       {"debug"},
	"exit-with-stdin": {"true"},
	"stage-dir":       {"/dev/shm/x"},
	"stage-memory":    {"1.5GB"},
	"workers":         {"5"},
	"http":            {"127.0.0.1:8080"},
	"sql":             {"off"},
	"http-host":       {"data.example", "data"},
	"http-cors":       {"https://lab.example"},
	"http-files":      {"2GB"},
	"memory":          {"2GB"},
	"cache":           {"512MB"},
	"index-dir":       {"/index"},
	"block-cache":     {"/blocks:64GB"},
	"stats-dir":       {"/stats"},
	"witness":         {"off"},
	"plugins":         {"off"},
	"max-connections": {"9"},
	"max-streams":     {"9"},
	"max-header":      {"9999"},
	"receive-timeout": {"9s"},
	"max-idle":        {"9s"},
	"max-age":         {"9s"},
	"max-wait":        {"9s"},
	"max-leases":      {"9"},
	"stall-timeout":   {"9s"},
	"sql-time":        {"9s"},
	"sql-statements":  {"2"},
	"sql-memory":      {"512MiB"},
	"sql-rows":        {"1000"},
	"reflection":      {"off"},
}

// loaded are the settings of a command line, variables of the environment and a file ("": none).
func loaded(t *testing.T, args []string, environ map[string]string, file string) *serveFlags {
	t.Helper()
	var f serveFlags
	c := &cobra.Command{Use: "serve"}
	f.add(c)
	if file != "" {
		path := filepath.Join(t.TempDir(), "mtflight.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	for name, value := range environ {
		t.Setenv(name, value)
	}
	require.NoError(t, c.ParseFlags(args))
	require.NoError(t, f.load(c, nil))
	f.file, f.origins = "", nil
	return &f
}

// TestSettingsAgree: each setting has one name, one default and the same values as a flag, a variable and a key, and what config show
// writes is read as what it shows.
func TestSettingsAgree(t *testing.T) {
	c := newServe()
	var args []string
	environ := map[string]string{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == settings.File {
			return
		}
		values := another[f.Name]
		require.NotEmpty(t, values, "%s: add it to another", f.Name)
		for _, v := range values {
			args = append(args, "--"+f.Name+"="+v)
		}
		environ[settings.Variable(f.Name)] = strings.Join(values, ",")
	})
	lines := []string{}
	for name, values := range another {
		require.NotNil(t, c.Flags().Lookup(name), "%s is no flag any more", name)
		value := values[0]
		if len(values) > 1 {
			value = "[" + strings.Join(values, ", ") + "]"
		}
		lines = append(lines, name+": "+value)
	}
	byFlags := loaded(t, args, nil, "")
	require.NotEqual(t, serve.Default(), byFlags.Config)
	require.Equal(t, byFlags, loaded(t, nil, nil, strings.Join(lines, "\n")), "the file")
	shown := succeed(t, append([]string{"config", "show"}, args...)...)
	require.NotContains(t, shown, "# default")
	require.Equal(t, byFlags, loaded(t, nil, nil, shown), "what config show writes")
	require.Equal(t, byFlags, loaded(t, nil, environ, ""), "variables")
}

func TestSettingsPrecede(t *testing.T) {
	file := "root: /file\nworkers: 1\nmemory: 1GB\nhelpers: 7\n"
	f := loaded(t, []string{"--memory", "3GB"}, map[string]string{"MTFLIGHT_MEMORY": "2GB", "MTFLIGHT_WORKERS": "2", "MTFLIGHT_DRAIN": ""}, file)
	require.Equal(t, int64(3<<30), f.Engine.Memory, "the flag")
	require.Equal(t, 2, f.Engine.Workers, "the variable")
	require.Equal(t, 7, f.Engine.Helpers, "the file")
	require.Equal(t, serve.Default().Flight.Drain, f.Flight.Drain, "an empty variable is none")
	require.Equal(t, []string{"/file"}, f.Flight.Roots)
}

func TestConfigShow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte("# mine\nworkers: 4\n"), 0o600))
	t.Setenv("MTFLIGHT_MEMORY", "64MB")
	shown := succeed(t, "config", "show", "--config", path, "--drain", "1s", tables)
	require.Regexp(t, `(?m)^workers: 4 +# \S+/c.yaml:2$`, shown)
	require.Regexp(t, `(?m)^memory: 64MB +# MTFLIGHT_MEMORY$`, shown)
	require.Regexp(t, `(?m)^drain: 1s +# flag$`, shown)
	require.Regexp(t, `(?m)^# helpers: +# default$`, shown)
}

// TestConfigShowHides: what signs an address is not shown, whether it is an argument, a variable or in the file.
func TestConfigShowHides(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte("root: ['runs=https://h/x.h5?X-Amz-Signature=hush', '/data/a?b']\n"), 0o600))
	shown := succeed(t, "config", "show", "--config", path)
	require.NotContains(t, shown, "hush")
	require.Contains(t, shown, `root: ["runs=https://h/x.h5?hidden", "/data/a?b"]`)
	require.Equal(t, []string{"runs=https://h/x.h5?hidden", "/data/a?b"}, loaded(t, nil, nil, shown).Flight.Roots)
	require.NotContains(t, succeed(t, "config", "show", "https://h/x.h5?sig=hush"), "hush")
}

// TestConfigRefuses: whatever is wrong is said before anything starts, in one line that names the place.
func TestConfigRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	for text, says := range map[string]string{
		"root: .\nlisen: grpc://h:1":                       `c.yaml:2: unknown key "lisen" (near: "listen")`,
		"root: .\nconfig: x":                               `c.yaml:2: unknown key "config"`,
		"root: .\nroot: .":                                 `c.yaml:2: root is there twice`,
		"root: .\nworkers: many":                           `c.yaml:2: workers: must be a number from 1 to 1000`,
		"root: .\nworkers: [1]":                            `c.yaml:2: workers must be one value, not a list`,
		"root: .\nmemory: {of: all}":                       `c.yaml:2: memory must have a value, such as SIZE`,
		"root: .\nmemory:":                                 `c.yaml:2: memory must have a value`,
		"root: .\nstage-dir: 5":                            `c.yaml:2: stage-dir must be a text, not 5`,
		"root: [., 5]":                                     `c.yaml:1: root must be a text or a list of them, not 5`,
		"root: .\nexit-with-stdin: maybe":                  `c.yaml:2: exit-with-stdin must be true or false, not maybe`,
		"root: .\nlog-level: loud":                         `--log-level "loud"`,
		"root: .\nlisten: http://h":                        `location "http://h": unknown scheme`,
		"root: /no/such/dir":                               `cannot serve /no/such/dir: no such file or directory: check the path`,
		"a: b: c":                                          `c.yaml: not YAML: mapping values are not allowed`,
		"[root, .]":                                        `c.yaml:1: must be lines of NAME: VALUE`,
		"root: .\n---\nroot: .":                            `c.yaml: must be one document`,
		"a: &a [x]\nroot: *a":                              `c.yaml:1: unknown key "a"`,
		"root: &a .\nlisten: *a":                           `c.yaml:2: listen must have a value`,
		"root: .\nlisten: grpc://0.0.0.0:0":                `listen to 0.0.0.0:0: whoever reaches it could read`,
		"root: .\nlisten: grpc+tls://127.0.0.1:0":          `TLS needs --tls-cert and --tls-key`,
		"root: .\nlisten: grpc://127.0.0.1:99999":          `a port is a number up to 65535`,
		"root: .\nlisten: [grpc://127.0.0.1:0]\nadmin: :1": `--admin :1: whoever reaches it would see`,
		"root: .\nadmin: https://127.0.0.1:1":              `--admin https://127.0.0.1:1: TLS needs`,
		"root: .\nadvertise: grpc://0.0.0.0:1":             `cannot be advertised`,
		"# nothing":                                        `needs a directory or file to serve`,
		"":                                                 `needs a directory or file to serve`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for _, name := range []string{"serve", "config check"} {
			code, out, errOut := command(t, append(strings.Fields(name), "--config", path)...)
			require.Contains(t, []int{2, 3}, code, text)
			require.Empty(t, out)
			require.Contains(t, errOut, says, text)
			require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
		}
	}
	code, _, errOut := command(t, "config", "check", "--config", path+".yml", ".")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, "no such file "+path+".yml")
	t.Setenv("MTFLIGHT_WORKERS", "0")
	code, _, errOut = command(t, "config", "check", ".")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "MTFLIGHT_WORKERS: must be a number from 1 to 1000")
	t.Setenv("MTFLIGHT_WORKERS", "2")
	t.Setenv("MTFLIGHT_SERVICE_HOST", "10.0.0.1") // by Kubernetes, for a service of this name
	t.Setenv("MTFLIGHT_TOKEN", "of the commands that ask a server")
	t.Setenv("MTFLIGHT_STAGE_DIRS", "/x")
	code, out, errOut := command(t, "config", "check", "--listen", "grpc://127.0.0.1:0", tables)
	require.Zero(t, code, errOut)
	require.Equal(t, "good\n", out)
	require.Equal(t, "MTFLIGHT_STAGE_DIRS sets nothing (near: MTFLIGHT_STAGE_DIR)\n", errOut)
}

// TestServeReloads: roots follow the file, at once or on SIGHUP; a mistake in it changes nothing.
func TestServeReloads(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("root: a=" + tables)
	location, _, log, stop := servingLogged(t, "--config", path, "--listen", "grpc://127.0.0.1:0")
	serves := func(name, dataset string) func() bool {
		return func() bool {
			code, _, _ := command(t, "describe", location, name, dataset)
			return code == 0
		}
	}
	soon := func(of func() bool) {
		t.Helper()
		require.Eventually(t, of, time.Minute, 20*time.Millisecond)
	}
	require.True(t, serves("a", "/events")())
	write("root: [a=" + tables + ", b=" + arrays + "]\nworkers: 7")
	soon(serves("b", "/cube"))
	write("rot: nothing")
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	soon(func() bool { return strings.Contains(log.String(), `unknown key \"rot\"`) })
	require.True(t, serves("a", "/events")(), "what was served stays")
	write("root: c=" + arrays)
	soon(serves("c", "/cube"))
	require.False(t, serves("a", "/events")())
	require.Zero(t, stop())
	require.Contains(t, log.String(), "another workers is in the configuration now: it needs a restart")
}

// TestServeHelpFits two screens of 40 lines and 100 columns.
func TestServeHelpFits(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(succeed(t, "serve", "--help"), "\n"), "\n")
	require.LessOrEqual(t, len(lines), 80)
	for _, line := range lines {
		require.LessOrEqual(t, len(line), 100, line)
	}
}

// TestDocumentedConfigurationStarts: that of docs/operations.md, with directories that are there.
func TestDocumentedConfigurationStarts(t *testing.T) {
	defer goleak.VerifyNone(t)
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		dir := t.TempDir()
		for _, d := range []string{"data/runs", "data/maps", "var/lib/mtflight"} {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o700))
		}
		config := strings.NewReplacer("/data", dir+"/data", "/var", dir+"/var", "8815", "0").Replace(block[1])
		path := filepath.Join(dir, "mtflight.yaml")
		require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
		require.Equal(t, "good\n", succeed(t, "config", "check", "--config", path))
		location, _, stop := serving(t, "--config", path)
		require.Equal(t, "SERVING\n", succeed(t, "health", "--timeout", "1m", location))
		require.Zero(t, stop())
	}
}
