package portal

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// templates are those of the pages, each with the layout.
type templates map[string]*template.Template

// loadTemplates reads the templates that come with the portal, and those of the product in their place. A page's template is the
// file with its name; layout.html and parts.html belong to all.
func loadTemplates(own fs.FS) (templates, error) {
	read := func(name string) (string, error) {
		if own != nil {
			if text, err := fs.ReadFile(own, name+".html"); err == nil {
				return string(text), nil
			}
		}
		text, err := templateFiles.ReadFile("templates/" + name + ".html")
		return string(text), err
	}
	base := template.New("layout").Option("missingkey=error")
	for _, name := range []string{"layout", "parts"} {
		text, err := read(name)
		if err == nil {
			_, err = base.Parse(text)
		}
		if err != nil {
			return nil, fmt.Errorf("portal: template %s: %w", name, err)
		}
	}
	all := make(templates)
	files, err := templateFiles.ReadDir("templates")
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		t, err := base.Clone()
		if err == nil {
			_, err = t.Parse(text)
		}
		if err != nil {
			return nil, fmt.Errorf("portal: template %s: %w", name, err)
		}
		all[name] = t
	}
	return all, err
}

func (t templates) execute(w io.Writer, name string, v *visit) error {
	page := t[name]
	if page == nil {
		return fmt.Errorf("portal: there is no template %s", name)
	}
	return page.ExecuteTemplate(w, "layout", v)
}

// asset is a file that the pages load.
type asset struct {
	kind string
	body []byte
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.Header().Set("Cache-Control", "private, max-age=300")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}

func (p *Portal) loadAssets() (map[string]asset, error) {
	css, err := assetFiles.ReadFile("assets/portal.css")
	if err != nil {
		return nil, err
	}
	js, err := assetFiles.ReadFile("assets/portal.js")
	if err != nil {
		return nil, err
	}
	all := map[string]asset{
		"portal.css": {"text/css; charset=utf-8", slices.Concat(css, []byte("\n"), []byte(p.opts.Theme.CSS))},
		"portal.js":  {"text/javascript; charset=utf-8", js},
	}
	if logo := p.opts.Theme.Logo; logo != nil {
		kind := http.DetectContentType(logo)
		if kind != "image/png" {
			kind = "image/svg+xml"
		}
		all["logo"] = asset{kind, logo}
	}
	return all, nil
}
