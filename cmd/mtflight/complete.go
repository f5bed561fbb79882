package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/reader"
)

// completeTime bounds what a shell waits for.
var completeTime = 2 * time.Second

// completeWith offers words for a flag.
func completeWith(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func completeRequest(c *cobra.Command) {
	completeWith(c, "index", "auto", "off", "only")
	completeWith(c, "strings", "utf8", "binary")
	completeWith(c, "enum", "dictionary", "int")
	completeWith(c, "time", "timestamp", "numeric")
	completeWith(c, "tensors", "tensor", "nested")
	completeWith(c, "schema", "unify", "strict")
	completeWith(c, "on-error", "error", "skip")
	_ = c.RegisterFlagCompletionFunc("fields", completeColumns)
	_ = c.RegisterFlagCompletionFunc("sort-by", completeColumns)
}

// completeFiles offers files: the shell's own on this machine, those of a server; behind a file its groups.
func completeFiles(c *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	location, rest := place(args)
	if strings.HasPrefix(start, "/") && len(rest) > 0 && (location != "" || !someFile(start)) {
		return inFile(c, location, rest[0], start, true)
	}
	return files(c, location, start)
}

// completeObjects offers files, and behind one its datasets and frames.
func completeObjects(c *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	switch location, rest := place(args); len(rest) {
	case 0:
		return files(c, location, start)
	case 1:
		return inFile(c, location, rest[0], start, c.Name() == "describe" || c.Name() == "attributes")
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// someFile tells whether the directory of a name is there, so that the shell may complete it.
func someFile(start string) bool {
	return exists(start[:strings.LastIndex(start, "/")+1]) && strings.Count(start, "/") > 1
}

func files(c *cobra.Command, location, start string) ([]string, cobra.ShellCompDirective) {
	if location == "" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	asking(c, location, func(ctx context.Context, s source) error {
		last := ""
		return s.list(ctx, listing{whole: true}, func(d listed) error {
			if d.File != last && strings.HasPrefix(d.File, start) {
				names = append(names, offer(d.File, ""))
			}
			last = d.File
			return nil
		})
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// inFile offers what is in a file, groups where they are wanted.
func inFile(c *cobra.Command, location, file, start string, groups bool) ([]string, cobra.ShellCompDirective) {
	var names []string
	add := func(path, what string) {
		if strings.HasPrefix(path, start) && terminal.Printable(path) == path {
			names = append(names, offer(path, what))
		}
	}
	asking(c, location, func(ctx context.Context, s source) error {
		tree, err := s.tree(ctx, file)
		if err != nil {
			return err
		}
		for _, g := range tree.Groups {
			if (groups || g.Frame != "") && !g.Named && !reader.Hidden(g.Path) {
				add(g.Path, orElse(g.Frame, "group"))
			}
		}
		for _, d := range tree.Datasets {
			add(d.Path, strings.TrimSpace(d.Kind+" "+product(d.Shape)))
		}
		return nil
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

func orElse(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

func offer(name, what string) string {
	if what == "" {
		return name
	}
	return name + "\t" + what
}

// completeColumns offers the columns of the dataset that the arguments name, behind the last comma.
func completeColumns(c *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	location, rest := place(args)
	if len(rest) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	chosen, start := start[:strings.LastIndex(start, ",")+1], start[strings.LastIndex(start, ",")+1:]
	var names []string
	asking(c, location, func(ctx context.Context, s source) error {
		file, dataset, err := named(ctx, s, rest)
		if err != nil {
			return err
		}
		text, err := s.describe(ctx, file, dataset)
		if err != nil {
			return err
		}
		for _, column := range columnsTold(text) {
			if strings.HasPrefix(column.Name, start) && terminal.Printable(column.Name) == column.Name && !strings.ContainsAny(column.Name, `",`) {
				names = append(names, offer(chosen+column.Name, shortType(column.Type)))
			}
		}
		return nil
	})
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// asking runs do with a source, in silence: a shell has no place for errors.
func asking(c *cobra.Command, location string, do func(context.Context, source) error) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	s, err := openSource(ctx, location, sourceFlags{engine: reader.Config{NoWitness: true}, remote: remoteOf(c)})
	if err != nil {
		return
	}
	defer s.close()
	_ = do(ctx, s)
}
