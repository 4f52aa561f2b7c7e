package replay

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing/fstest"
)

//go:generate go test . -run TestBundle -update

// bundle are the files of testdata/idp and testdata/rfc, one on each line, so that a product that gets this module has them.
//
//go:embed conversations.txt
var bundle []byte

// Conversations are those that this module knows, by folder: entra, okta and others of identity providers, rfc of the examples of
// RFC 7644. Without folders it is all but those of single products (products), which only pass where that product is.
func Conversations(folders ...string) ([]*Scenario, error) {
	fsys := fstest.MapFS{}
	for line := range bytes.Lines(bundle) {
		name, text, ok := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(" "))
		if !ok {
			return nil, fmt.Errorf("the bundle of conversations is damaged at %.40q", line)
		}
		fsys[string(name)] = &fstest.MapFile{Data: text}
	}
	all, err := LoadAll(fsys, ".")
	if err != nil {
		return nil, err
	}
	wanted := func(s *Scenario) bool {
		folder := path.Base(path.Dir(s.File))
		if len(folders) == 0 {
			return folder != "products"
		}
		return slices.Contains(folders, folder)
	}
	all = slices.DeleteFunc(all, func(s *Scenario) bool { return !wanted(s) })
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no conversations in %v; want some of %v", folders, Folders())
	}
	return all, nil
}

// Folders are those that Conversations takes.
func Folders() []string {
	var folders []string
	for line := range bytes.Lines(bundle) {
		name, _, _ := bytes.Cut(line, []byte(" "))
		if folder := path.Base(path.Dir(string(name))); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	slices.Sort(folders)
	return folders
}

// Title is the name of the scenario's file, with its folder: entra/03-match-then-create-user.
func (s *Scenario) Title() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.File, "idp/"), ".json")
}

// Bulk says whether a step is a bulk request, and Cursor whether one asks for a page by a cursor: both need a service that offers it.
func (s *Scenario) Bulk() bool {
	return s.any(func(r *Request) bool { return r.Path == "/Bulk" })
}

// Cursor says whether a step asks for a page by a cursor.
func (s *Scenario) Cursor() bool {
	return s.any(func(r *Request) bool {
		var body map[string]any
		_ = json.Unmarshal(r.Body, &body) // null, or what is no object, has no cursor
		return body["cursor"] != nil || slices.ContainsFunc(r.Query, func(p Parameter) bool { return p.Name == "cursor" })
	})
}

func (s *Scenario) any(is func(r *Request) bool) bool {
	return slices.ContainsFunc(s.Steps, func(step Step) bool { return is(&step.Request) })
}
