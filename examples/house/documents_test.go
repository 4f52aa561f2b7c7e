package house_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The code in the documents compiles as it is. A block is a file or declarations. The files of one package in a document are compiled together.
func TestDocumentsCompile(t *testing.T) {
	dir := t.TempDir()
	documents := map[string]int{"README.md": 2, "CONTRIBUTING.md": 0}
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, page := range pages {
		documents["docs/"+filepath.Base(page)] = 0
	}
	for name, least := range documents {
		text, err := os.ReadFile("../../" + name)
		require.NoError(t, err)
		blocks := codeBlocks(string(text))
		assert.GreaterOrEqual(t, len(blocks), least, "%s shows code", name)
		packages := map[string][]string{} // files
		for i, block := range blocks {
			is := fmt.Sprint(i)
			if first, _, _ := strings.Cut(block, "\n"); strings.HasPrefix(first, "package ") {
				is = first
			} else {
				block = "package p\n\n" + block
			}
			file := filepath.Join(dir, fmt.Sprintf("%s%d.go", strings.TrimSuffix(filepath.Base(name), ".md"), i+1))
			require.NoError(t, os.WriteFile(file, []byte(block), 0o600))
			packages[is] = append(packages[is], file)
		}
		for is, files := range packages {
			t.Run(name+"/"+is, func(t *testing.T) {
				out, err := vet(t, files...)
				assert.NoError(t, err, "%s", out)
			})
		}
	}
}

// The code in an example's README is the code of the example, line by line.
func TestReadmesShowTheCode(t *testing.T) {
	pages, err := filepath.Glob("../*/README.md")
	require.NoError(t, err)
	more, err := filepath.Glob("../*/*/README.md")
	require.NoError(t, err)
	shown := 0
	for _, page := range append(pages, more...) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join(filepath.Dir(page), "*.go"))
		require.NoError(t, err)
		lines := map[string]bool{"": true}
		for _, file := range files {
			code, err := os.ReadFile(file)
			require.NoError(t, err)
			for line := range strings.Lines(string(code)) {
				lines[strings.TrimSpace(line)] = true
			}
		}
		for _, block := range codeBlocks(string(text)) {
			for line := range strings.Lines(block) {
				shown++
				assert.True(t, lines[strings.TrimSpace(line)], "%s shows a line that isn't in the code: %s", page, line)
			}
		}
	}
	assert.Greater(t, shown, 30)
}

// The check itself finds what is wrong.
func TestDocumentsCompileFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wrong.go")
	require.NoError(t, os.WriteFile(file, []byte("package p\n\nimport \"github.com/rollcall-dev/rollcall/scim\"\n\nvar _ = scim.NoSuchThing\n"), 0o600))
	out, err := vet(t, file)
	assert.Error(t, err)
	assert.Contains(t, out, "NoSuchThing")
	assert.Equal(t, []string{"a\n", "b\n"}, codeBlocks("x\n```go\na\n```\n```sh\nc\n```\n```go\nb\n```\n"))
}

// vet type-checks the files of a package as if they stood in the examples' module.
func vet(t *testing.T, files ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"vet"}, files...)...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// codeBlocks are the fenced blocks of Go in a Markdown text.
func codeBlocks(text string) []string {
	var blocks []string
	for {
		_, rest, found := strings.Cut(text, "\n```go\n")
		if !found {
			return blocks
		}
		block, rest, _ := strings.Cut(rest, "\n```")
		blocks, text = append(blocks, block+"\n"), rest
	}
}

// The commands that the documents name are there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, want := range []string{"go run ./examples/quickstart", "go test work", "go run ./examples/server"} {
		assert.Contains(t, string(text), want)
	}
	for _, line := range strings.Fields(strings.NewReplacer("`", " ", "(", " ", ")", " ", ",", " ", "|", " ").Replace(string(text))) {
		if strings.HasPrefix(line, "./examples/") || strings.HasPrefix(line, "examples/") || strings.HasPrefix(line, "testdata/") {
			_, err := os.Stat(filepath.Join("../..", strings.TrimRight(line, ".;:/…")))
			assert.NoError(t, err, "README.md names %s", line)
		}
	}
}

// verbs are those that were names of files.
var verbs = strings.Fields("amend apply authenticate bind coerce compile compose compress create decide declare decode distinct do encode erase finish forget " +
	"manage migrate negotiate observe operate parse project protect prune rehearse reindex remove render resolve rewrite run select send share simulate validate write")

// The files that CONTRIBUTING.md names are there.
func TestFilesNamed(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`((?:[a-z_]+/)+[a-z_]+\\.go)`").FindAllStringSubmatch(string(text), -1)
	assert.Greater(t, len(named), 10)
	for _, n := range named {
		_, err := os.Stat(filepath.Join("../..", n[1]))
		assert.NoError(t, err)
	}
}

// Each invariant that a comment or a document cites, such as I4, is defined in CONTRIBUTING.md.
func TestInvariantsAreDefined(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	cited, cite := map[string]string{}, regexp.MustCompile(`\bI[0-9]{1,2}\b`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".md" {
			return err
		}
		file, err := os.ReadFile(path)
		for _, name := range cite.FindAllString(string(file), -1) {
			cited[name] = path
		}
		return err
	}))
	assert.Greater(t, len(cited), 15)
	for name, path := range cited {
		assert.Contains(t, string(text), "\n| "+name+" | ", "%s cites it", path)
	}
}

// No Go file is too long, and the top level has no files but those that belong there.
func TestTree(t *testing.T) {
	require.NoError(t, filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		assert.NotContains(t, path, "/testdata/", "testdata holds no Go")
		text, err := os.ReadFile(path)
		assert.LessOrEqual(t, strings.Count(string(text), "\n"), 700, "%s is too long for one idea", path)
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".go"), "_test")
		if slices.Contains(verbs, name) && !strings.Contains(path, "/gen/") {
			t.Errorf("%s is called by a verb; a file's name is a noun", path)
		}
		return err
	}))
	top, err := os.ReadDir("../..")
	require.NoError(t, err)
	known := strings.Fields("go.mod go.sum go.work go.work.sum README.md LICENSE CHANGELOG.md CONTRIBUTING.md SECURITY.md RELEASE.md llms.txt Makefile docs " +
		"scim lifecycle mapping store examples testdata")
	for _, e := range top {
		assert.True(t, strings.HasPrefix(e.Name(), ".") || slices.Contains(known, e.Name()) || strings.HasPrefix(e.Name(), "rollcall.db"), "%s has no place at the top", e.Name())
	}
}

// elimity's option for strings as booleans is a global variable of the process: no code may set it.
func TestElimityGlobal(t *testing.T) {
	const global = "SetAllow" + "StringValues("
	require.NoError(t, filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		assert.NotContains(t, string(text), global, path)
		return err
	}))
}

// Each row of the table about elimity names a test that exists.
func TestElimityRows(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\n## elimity-com/scim\n")
	require.True(t, found)
	proofs, err := os.ReadFile("../../scim/elimity_proof_test.go")
	require.NoError(t, err)
	own, err := os.ReadFile("documents_test.go")
	require.NoError(t, err)
	rows := 0
	for line := range strings.Lines(table) {
		_, name, found := strings.Cut(line, "`TestElimity")
		if name, _, _ = strings.Cut(name, "`"); found {
			rows++
			assert.Contains(t, string(proofs)+string(own), "func TestElimity"+name+"(")
		}
	}
	assert.Equal(t, strings.Count(string(proofs), "\nfunc TestElimity")+1, rows, "every proof has its row")
}

// Links between the documents have a target.
func TestDocumentsLinks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md", "../../llms.txt") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, link := range regexp.MustCompile(`\]\(([^)# ]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(link[1], "://") {
				_, err := os.Stat(filepath.Join(filepath.Dir(page), link[1]))
				assert.NoError(t, err, "%s links to %s", page, link[1])
			}
		}
	}
}
