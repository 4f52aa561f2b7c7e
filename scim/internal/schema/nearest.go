package schema

import "strings"

// Nearest returns the path that was probably meant by one whose attribute doesn't exist; "" if no attribute has a similar name.
func (t *Type) Nearest(path string) string {
	prefix, name, attributes := "", path, t.Attributes
	for _, x := range t.Extensions {
		if rest, ok := strings.CutPrefix(path, x.URN+":"); ok {
			prefix, name, attributes = x.URN+":", rest, x.Attributes
		}
	}
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	best, distance := "", 3 // at most two letters may be wrong
	for _, a := range attributes {
		if d := edits(strings.ToLower(name[:end]), strings.ToLower(a.Name)); d < distance {
			best, distance = a.Name, d
		}
	}
	if best == "" || best == name[:end] {
		return ""
	}
	return prefix + best + name[end:]
}

// edits returns how many letters must be added, removed or replaced to make b from a.
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
