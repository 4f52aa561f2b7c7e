package idp

import (
	"context"
	"net/http"
	"strings"
)

// change changes a user in the service to the wanted attributes, by requests of the provider's style. When the service has answered with a
// success, the provider believes that the user has them.
func (p *provider) change(ctx context.Context, l *link, want Attributes) error {
	names := l.believed.differences(want)
	if len(names) == 0 {
		return nil
	}
	path := "/Users/" + l.id
	var a answer
	var err error
	switch p.style.update {
	case updatePut:
		body := want.resource()
		body["id"] = l.id
		a, err = p.send(ctx, http.MethodPut, path, body)
	case updateMerged, updateOktaPatch:
		if p.style.update == updateOktaPatch && len(names) == 1 && names[0] == Active {
			a, err = p.send(ctx, http.MethodPatch, path, patch(map[string]any{"op": "replace", "value": map[string]any{"active": want[Active] == "true"}}))
			break
		}
		if a, err = p.send(ctx, http.MethodGet, path, nil); err == nil {
			a, err = p.send(ctx, http.MethodPut, path, merged(a.body, want))
		}
	default:
		if a, err = p.send(ctx, http.MethodGet, path, nil); err == nil {
			a, err = p.send(ctx, http.MethodPatch, path, patch(p.operations(l.believed, want, names)...))
		}
	}
	if err != nil {
		return lost(l, a, err)
	}
	l.believed = want
	return nil
}

// merged returns the resource that was read, with the provider's values in it. Attributes that the provider doesn't map stay as they were.
func merged(read map[string]any, want Attributes) map[string]any {
	for name, v := range want.resource() {
		if name != "schemas" {
			read[name] = v
		}
	}
	return read
}

func patch(ops ...any) map[string]any {
	return map[string]any{"schemas": []any{patchURN}, "Operations": ops}
}

// operations returns the operations of a PATCH that changes the attributes with these names.
func (p *provider) operations(believed, want Attributes, names []string) []any {
	var ops []any
	simple := map[string]any{} // for the one replace without a path
	for _, name := range names {
		var value any = want[name]
		if name == Active {
			value = want[name] == "true"
		}
		switch p.style.update {
		case updateEntra:
			op := "Replace"
			if believed[name] == "" {
				op = "Add"
			}
			if name == Active { // Switch([IsSoftDeleted], , "False","True","True","False")
				value = strings.ToUpper(want[name][:1]) + want[name][1:]
			}
			ops = append(ops, map[string]any{"op": op, "path": name, "value": value})
		case updateEntraFlag:
			switch {
			case want[name] == "":
				ops = append(ops, map[string]any{"op": "remove", "path": name})
			case isFiltered(name):
				ops = append(ops, map[string]any{"op": verb(believed[name]), "path": name, "value": value})
			default:
				simple[name] = value
			}
		default:
			if want[name] == "" {
				ops = append(ops, map[string]any{"op": "remove", "path": name})
			} else if name == Manager {
				ops = append(ops, map[string]any{"op": "replace", "path": name, "value": map[string]any{"value": value}})
			} else {
				ops = append(ops, map[string]any{"op": verb(believed[name]), "path": name, "value": value})
			}
		}
	}
	if len(simple) > 0 {
		ops = append(ops, map[string]any{"op": "replace", "value": simple})
	}
	return ops
}

func verb(believed string) string {
	if believed == "" {
		return "add"
	}
	return "replace"
}
