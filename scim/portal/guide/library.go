package guide

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed guides
var embedded embed.FS

// order is the one in which guides are offered. Those that a product adds stand before "other".
var order = []string{"entra", "entra-oauth", "entra-federation", "okta", "okta-bearer", "onelogin", "google", "jumpcloud", "ping"}

// fallback is the language of guides that a language has no text for.
const fallback = "en"

// Library has guides by language and id. It is never changed, and safe for concurrent use.
type Library struct {
	guides map[string]map[string]*Guide
	words  map[string]map[string]string
}

// New returns the guides that come with the library, changed by the product's own files. A later file system goes before an earlier one:
//
//	de/okta.md          replaces a whole guide, or adds one
//	de/okta/connect.md  replaces one section: a line "# Title", then its blocks; an empty file takes the section away
//	de/words.txt        replaces some of the words, lines "name: text"
//
// A folder of another language adds that language; its guides may be fewer, and English stands in for the others. An error names the
// file, the line, and what would be right.
func New(overrides ...fs.FS) (*Library, error) {
	own, err := fs.Sub(embedded, "guides")
	if err != nil {
		return nil, err
	}
	c := collection{sources: map[string]*source{}, words: map[string]map[string]string{}}
	for _, f := range append([]fs.FS{own}, overrides...) {
		if err := c.read(f); err != nil {
			return nil, err
		}
	}
	l := &Library{guides: map[string]map[string]*Guide{}, words: map[string]map[string]string{}}
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(c.sources)) {
		language, id := path.Split(name)
		language = strings.TrimSuffix(language, "/")
		words := maps.Clone(c.words[fallback])
		maps.Copy(words, c.words[language])
		l.words[language] = words
		s, err := c.whole(name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		g, err := s.build(language, id, words)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if l.guides[language] == nil {
			l.guides[language] = map[string]*Guide{}
		}
		l.guides[language][id] = g
	}
	return l, errors.Join(failed...)
}

// collection is what was read, by language and id: "de/okta".
type collection struct {
	sources map[string]*source
	words   map[string]map[string]string
}

// read takes the files of one file system: words and whole guides first, then sections.
func (c *collection) read(f fs.FS) error {
	var sections []string
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		parts := strings.Split(name, "/")
		switch {
		case len(parts) == 2 && parts[1] == "words.txt":
			return c.readWords(f, name, parts[0])
		case len(parts) == 2 && path.Ext(name) == ".md":
			text, err := fs.ReadFile(f, name)
			if err != nil {
				return err
			}
			c.sources[strings.TrimSuffix(name, ".md")], err = split(name, string(text))
			return err
		case len(parts) == 3 && path.Ext(name) == ".md":
			sections = append(sections, name)
			return nil
		}
		return fmt.Errorf("%s: want LANGUAGE/GUIDE.md, LANGUAGE/GUIDE/SECTION.md or LANGUAGE/words.txt", name)
	})
	for _, name := range sections {
		if err == nil {
			err = c.readSection(f, name)
		}
	}
	return err
}

// whole completes a guide that is like another one of its language (the line "like: entra"): it has the other's sections, in their order, with
// its own in the place of those that it has too. One that only it has stands before the next one that both have.
func (c *collection) whole(name string) (*source, error) {
	s := c.sources[name]
	like, ok := s.header["like"]
	if !ok {
		return s, nil
	}
	of := c.sources[path.Join(path.Dir(name), like)]
	if of == nil || of.header["like"] != "" {
		return nil, fmt.Errorf("%s: there is no guide %q to be like, or it is like another one itself", s.path, like)
	}
	w := &source{path: s.path, header: maps.Clone(of.header), sections: slices.Clone(of.sections)}
	maps.Copy(w.header, s.header)
	delete(w.header, "like")
	var before []section
	for _, x := range s.sections {
		i := slices.IndexFunc(w.sections, func(y section) bool { return y.id == x.id })
		if i < 0 {
			before = append(before, x)
			continue
		}
		w.sections[i] = x
		w.sections = slices.Insert(w.sections, i, before...)
		before = nil
	}
	w.sections = append(w.sections, before...)
	return w, nil
}

func (c *collection) readSection(f fs.FS, name string) error {
	text, err := fs.ReadFile(f, name)
	if err != nil {
		return err
	}
	guide, id := path.Dir(name), strings.TrimSuffix(path.Base(name), ".md")
	if c.sources[guide] == nil {
		return fmt.Errorf("%s: there is no guide %s.md", name, guide)
	}
	whole, err := c.whole(guide)
	if err != nil {
		return err
	}
	has := func(x section) bool { return x.id == id }
	if !slices.ContainsFunc(whole.sections, has) {
		var known []string
		for _, x := range whole.sections {
			known = append(known, x.id)
		}
		return fmt.Errorf("%s: the guide has no section %q, it has %s", name, id, strings.Join(known, ", "))
	}
	replaced, err := splitSection(name, id, string(text))
	if err != nil {
		return err
	}
	s := c.sources[guide]
	if i := slices.IndexFunc(s.sections, has); i >= 0 {
		s.sections[i] = replaced
	} else { // it is another guide's, which this one is like
		s.sections = slices.Insert(s.sections, 1, replaced)
	}
	return nil
}

func (c *collection) readWords(f fs.FS, name, language string) error {
	text, err := fs.ReadFile(f, name)
	if err != nil {
		return err
	}
	if c.words[language] == nil {
		c.words[language] = map[string]string{}
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		word, means, ok := strings.Cut(line, ": ")
		if !ok || !slices.Contains(wordNames, word) {
			return fmt.Errorf("%s, line %d: want \"name: text\" with one of the names %s", name, n, strings.Join(wordNames, ", "))
		}
		c.words[language][word] = means
	}
	return nil
}

// wordNames are what words.txt must say: what each placeholder stands for, and the heads of the table of attributes.
var wordNames = func() []string {
	names := slices.Clone(attributeHeads)
	for _, p := range Placeholders {
		names = append(names, string(p))
	}
	return append(names, "required")
}()

// Languages are those with at least one guide, in alphabetical order.
func (l *Library) Languages() []string { return slices.Sorted(maps.Keys(l.guides)) }

// Guides are all guides for readers of a language, in the order in which they are offered.
func (l *Library) Guides(language string) []*Guide {
	ids := slices.Clone(order)
	own := map[string]bool{}
	for _, x := range []string{fallback, language, base(language)} {
		for id := range l.guides[x] {
			own[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(own)) {
		if !slices.Contains(order, id) && id != "other" {
			ids = append(ids, id)
		}
	}
	var all []*Guide
	for _, id := range append(ids, "other") {
		if g := l.Guide(language, id); g != nil {
			all = append(all, g)
		}
	}
	return all
}

// Guide finds a guide in a language such as "de" or "de-AT", else in English. It is nil if there is none of that id.
func (l *Library) Guide(language, id string) *Guide {
	for _, x := range []string{language, base(language), fallback} {
		if g := l.guides[x][id]; g != nil {
			return g
		}
	}
	return nil
}

func base(language string) string {
	first, _, _ := strings.Cut(language, "-")
	return strings.ToLower(first)
}
