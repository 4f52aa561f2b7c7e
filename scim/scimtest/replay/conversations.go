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

// bundle has the files of testdata/idp and testdata/rfc, one on each line. It is here because a module that a product gets has no files
// outside of the package's folder to embed.
//
//go:embed conversations.txt
var bundle []byte

// Conversations returns the conversations of some folders: entra, okta and others have what identity providers were seen to send, and rfc
// has the examples of RFC 7644. Without folders it returns all, except for those in the folder products, each of which only passes with one
// example product. The error says that there is no such folder.
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

// Folders returns the names of the folders that Conversations takes.
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

// Title returns the scenario's folder and file name without the extension, such as entra/03-match-then-create-user.
func (s *Scenario) Title() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.File, "idp/"), ".json")
}

// Bulk says whether a step is a bulk request (RFC 7644 section 3.7), which not every service offers.
func (s *Scenario) Bulk() bool {
	return s.any(func(r *Request) bool { return r.Path == "/Bulk" })
}

// Cursor says whether a step asks for a page by a cursor (RFC 9865), which not every service offers.
func (s *Scenario) Cursor() bool {
	return s.any(func(r *Request) bool {
		var body map[string]any
		_ = json.Unmarshal(r.Body, &body) // a body that is no object has no cursor
		return body["cursor"] != nil || slices.ContainsFunc(r.Query, func(p Parameter) bool { return p.Name == "cursor" })
	})
}

func (s *Scenario) any(is func(r *Request) bool) bool {
	return slices.ContainsFunc(s.Steps, func(step Step) bool { return is(&step.Request) })
}
