package scimtest

import "slices"

// minimal returns a resource with only those attributes that its schema requires.
func (s *session) minimal(k *kind) map[string]any {
	r := map[string]any{"schemas": []any{k.urn}}
	for _, a := range k.attributes {
		wanted := a.required && (a.urn == "" || slices.Contains(k.required, a.urn)) || a == k.named()
		if wanted && a.mutability != "readOnly" && a != externalID {
			a.set(r, s.value(a, true))
		}
	}
	if k.named() == externalID {
		externalID.set(r, s.unique())
	}
	if s.target.Sample != nil {
		s.target.Sample(k.name, r)
	}
	return r
}

// full returns a resource with a value for everything that a client may write and read back.
func (s *session) full(k *kind) map[string]any {
	r := s.minimal(k)
	for _, a := range k.attributes {
		if a.mutability == "readOnly" || a.of(r) != nil || isReference(a) {
			continue
		}
		if v := s.value(a, false); v != nil {
			a.set(r, v)
		}
	}
	externalID.set(r, s.unique())
	if s.target.Sample != nil {
		s.target.Sample(k.name, r)
	}
	return r
}

// isReference says whether the attribute's values are other resources, which the kit would have to make first.
func isReference(a *attribute) bool {
	return a.kind == "complex" && (a.find("$ref") != nil || a.name == "members" || a.name == "manager")
}

// value returns a valid value of the attribute; nil if a client can't set one. If least is set, a complex value has only those sub-attributes
// that are required.
func (s *session) value(a *attribute, least bool) any {
	v := s.one(a, least)
	if a.multi && v != nil {
		return []any{v}
	}
	return v
}

func (s *session) one(a *attribute, least bool) any {
	if s.target.Value != nil && a.kind != "complex" {
		s.counter++
		if v := s.target.Value(a.owner(), a.path(), s.counter); v != nil {
			return v
		}
	}
	if len(a.canonical) > 0 && a.kind != "complex" {
		return a.canonical[0]
	}
	switch a.kind {
	case "boolean":
		return true
	case "integer":
		return float64(7)
	case "decimal":
		return 7.5
	case "dateTime":
		return "2026-01-02T03:04:05Z"
	case "binary":
		return "AAECAw=="
	case "reference":
		return "https://www.example.com/" + s.unique()
	case "complex":
		object := map[string]any{}
		for _, sub := range a.sub {
			if sub.mutability == "readOnly" || least && !sub.required && len(a.sub) > 1 && sub.name != "value" {
				continue
			}
			if sub.name == "$ref" {
				continue
			}
			if v := s.value(sub, least); v != nil {
				object[sub.name] = v
			}
		}
		if len(object) == 0 {
			return nil
		}
		return object
	}
	return s.string(a)
}

// string returns a string in the form that the attribute's name asks for.
func (s *session) string(a *attribute) string {
	name := a.name
	if a.parent != nil && name == "value" {
		name = a.parent.name
	}
	switch name {
	case "userName", "emails", "email":
		return s.unique() + "@kit.example.com"
	case "phoneNumbers":
		s.counter++
		return "tel:+1-201-555-0" + s.unique()[len("kit")+len(s.mark):][1:]
	case "locale", "preferredLanguage":
		return "en-US"
	case "timezone":
		return "Europe/Berlin"
	case "country":
		return "DE"
	case "x509Certificates":
		return "AAECAw=="
	case "password":
		return "Kit-" + s.unique() + "!7"
	case "type":
		return "work"
	}
	return s.unique()
}
