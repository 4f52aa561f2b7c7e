// Package house_test checks rules of the whole repository, such as which package may import which, and that the code and the commands in the
// documents work.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/rollcall-dev/rollcall"

// may has the packages that each package of the library may import besides the standard library. Imports go one way:
// scim -> lifecycle -> store -> store/filter -> store/document, and mapping -> store; scim/typed joins mapping to scim.
var may = map[string][]string{
	"scim":                       {"scim/internal/patch", "scim/internal/schema", "scim/internal/quirk", "lifecycle", "store", "store/filter", "store/document", elimity, uuid, "golang.org/x/time/rate"},
	"scim/connection":            {"scim", "scim/internal/quirk", "lifecycle", "store", "store/document", elimity, uuid},
	"scim/typed":                 {"scim", "mapping", "scim/internal/schema", "scim/internal/quirk", "lifecycle", "store", "store/filter", "store/document", elimity},
	"scim/portal":                {"scim", "scim/connection", "scim/portal/guide", "lifecycle", "mapping", "store", "store/filter", "store/document", uuid},
	"scim/portal/guide":          nil,
	"scim/internal/patch":        {"scim/internal/schema", "scim/internal/quirk", "lifecycle", "store", "store/filter", "store/document"},
	"scim/internal/schema":       {"scim/internal/quirk", "store", "store/filter", "store/document", elimity},
	"scim/internal/quirk":        nil,
	"scim/scimtest":              {"scim/scimtest/replay"}, // a client: it knows a service by HTTP alone
	"lifecycle":                  {"lifecycle/internal/overlay", "store", "store/filter", "store/document", uuid},
	"lifecycle/payload":          {"lifecycle", "store", "store/document"},
	"lifecycle/address":          nil,
	"lifecycle/feed":             {"lifecycle", "lifecycle/payload", "store", "store/document"},
	"lifecycle/webhook":          {"lifecycle", "lifecycle/address", "lifecycle/payload", "store", "store/document", uuid},
	"mapping/table":              {"mapping", "store", "store/filter", "store/document", uuid},
	"mapping":                    {"store", "store/filter", "store/document", uuid, validator},
	"store":                      {"store/filter", "store/document"},
	"store/filter":               {"store/document"},
	"store/document":             {text},
	"store/storetest":            {"store", "store/filter", "store/document"},
	"scim/scimtest/replay":       nil,
	"scim/scimtest/idp":          {"scim/scimtest/replay"},
	"lifecycle/internal/overlay": {"store", "store/filter", "store/document", uuid},
}

// Modules, each with all of its packages.
const (
	elimity   = "github.com/elimity-com/scim"
	text      = "golang.org/x/text"
	uuid      = "github.com/google/uuid"
	validator = "github.com/go-playground/validator/v10"
)

// withoutHTTP are the packages that know nothing of HTTP.
var withoutHTTP = []string{"scim/internal/patch", "scim/internal/schema", "scim/internal/quirk", "lifecycle", "lifecycle/internal/overlay", "lifecycle/payload", "mapping", "mapping/table", "store", "store/filter", "store/document", "store/storetest"}

func TestImportsGoOneWay(t *testing.T) {
	packages := list(t, "./...")
	require.Contains(t, packages, module+"/scim")
	for path, p := range packages {
		name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		allowed, known := may[name]
		if !assert.True(t, known, "%s has no line in the table of this test", path) {
			continue
		}
		for _, i := range p.Imports {
			assert.True(t, allows(allowed, i), "%s must not import %s", name, i)
			if slices.Contains(withoutHTTP, name) {
				assert.NotEqual(t, "net/http", i, "%s must know nothing of HTTP", name)
			}
			if strings.HasPrefix(name, "store") {
				assert.NotEqual(t, "database/sql", i, "the contract is for stores of all kinds")
			}
		}
		for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
			assert.False(t, strings.HasPrefix(i, module+"/examples"), "%s: tests of the library must not import %s", name, i)
		}
	}
	for name := range may {
		assert.Contains(t, packages, module+"/"+name, "the table has a line for a package that isn't there")
	}
}

// This tests the function allows itself, because a function that allows everything would pass.
func TestAllows(t *testing.T) {
	for i, want := range map[string]bool{
		"net/http": true, "errors": true, "C": true,
		module + "/store": true, module + "/store/filter": false, module + "/scim": false,
		elimity: true, elimity + "/schema": true, elimity + "2": false, "github.com/jackc/pgx/v5": false, module + "/examples/memstore": false,
	} {
		assert.Equal(t, want, allows([]string{"store", elimity}, i), i)
	}
}

func allows(allowed []string, i string) bool {
	first, _, _ := strings.Cut(i, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		if own, ok := strings.CutPrefix(i, module+"/"); ok {
			return own == a
		}
		return i == a || strings.HasPrefix(i, a+"/")
	})
}

// A product that imports the library gets few modules with it, and no database driver.
func TestFewModules(t *testing.T) {
	modules := map[string]bool{}
	for _, p := range list(t, "-deps", "./...") {
		if p.Module != nil {
			modules[p.Module.Path] = true
		}
	}
	allowed := []string{module, elimity, uuid, validator,
		"github.com/q-uint/parser", "github.com/q-uint/xsd-datetime", "github.com/scim2/filter-parser/v2", // elimity's
		"github.com/gabriel-vasile/mimetype", "github.com/go-playground/locales", "github.com/go-playground/universal-translator", "github.com/leodido/go-urn", // validator's
	}
	for m := range modules {
		assert.True(t, slices.Contains(allowed, m) || strings.HasPrefix(m, "golang.org/x/"), "a product would get the module %s", m)
	}
	assert.True(t, modules[elimity])
}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Module                             *struct{ Path string }
}

func list(t *testing.T, args ...string) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports,Module"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOWORK=off") // the library alone, as a product sees it
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("go list: %s", failed.Stderr)
	}
	require.NoError(t, err)
	packages := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}
