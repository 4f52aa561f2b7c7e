package replay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// parsePath parses the part of JSONPath that captures use, such as $.name or $.Resources[0].id.
func parsePath(text string) ([]any, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("path %q: want it to begin with $", text)
	}
	var path []any
	for rest != "" {
		var part string
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			part, rest = rest[1:1+end], rest[1+end:]
			if part == "" {
				return nil, fmt.Errorf("path %q: want a name after the dot", text)
			}
			path = append(path, part)
		case '[':
			part, rest, ok = strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(part)
			if !ok || err != nil || i < 0 {
				return nil, fmt.Errorf("path %q: want an index in brackets", text)
			}
			path = append(path, i)
		default:
			return nil, fmt.Errorf("path %q: want . or [ before %q", text, rest)
		}
	}
	return path, nil
}

// capture returns the string or number at a path of a body.
func capture(body any, text string) (string, error) {
	path, err := parsePath(text)
	if err != nil {
		return "", err
	}
	v := body
	for _, part := range path {
		switch part := part.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[part]
		case int:
			list, _ := v.([]any)
			if part >= len(list) {
				return "", fmt.Errorf("the answer has nothing at %s", text)
			}
			v = list[part]
		}
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", fmt.Errorf("the answer has no text at %s: %s", text, show(v))
}
