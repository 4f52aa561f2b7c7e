package typed

import (
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
)

// meant is what a path with a misspelt attribute was probably meant to be, or empty.
func meant(rt elimity.ResourceType, path string) string {
	prefix, name, attributes := "", path, withCommon(rt.Schema.Attributes)
	for _, x := range rt.SchemaExtensions {
		if rest, ok := strings.CutPrefix(path, x.Schema.ID+":"); ok {
			prefix, name, attributes = x.Schema.ID+":", rest, x.Schema.Attributes
		}
	}
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	best, distance := "", 3 // two letters may be wrong
	for _, a := range attributes {
		if d := edits(strings.ToLower(name[:end]), strings.ToLower(a.Name())); d < distance {
			best, distance = a.Name(), d
		}
	}
	if best == "" || best == name[:end] {
		return ""
	}
	return prefix + best + name[end:]
}

// withCommon adds the attribute that every resource has (RFC 7643 section 3.1) and a product can map.
func withCommon(attributes elimityschema.Attributes) elimityschema.Attributes {
	externalID := elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "externalId"}))
	return append(attributes[:len(attributes):len(attributes)], externalID)
}

// edits is how many letters must be added, taken away or replaced to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := above
			if a[i] != b[j] {
				replaced++
			}
			above = row[j+1]
			row[j+1] = min(replaced, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
