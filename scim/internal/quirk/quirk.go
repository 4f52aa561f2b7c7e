// Package quirk is the table of tolerated deviations from the RFCs: what identity providers send although the RFCs don't allow it, and
// Rollcall accepts because it can mean only one thing. Each row has the deviation's name, who sends it, and
// what Rollcall makes of it. Each request has a [Set] of the quirks that it used. A connection's dialect says which it may use.
package quirk

import (
	"iter"
	"math/bits"
)

// Quirk is the index of a row in [Table].
type Quirk uint8

// Set is a set of quirks. The zero value is empty.
type Set uint64

// Add adds q to the set.
func (s *Set) Add(q Quirk) { *s |= 1 << q }

// Remove removes q from the set.
func (s *Set) Remove(q Quirk) { *s &^= 1 << q }

// Len returns the number of quirks in the set.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// All is the set of every quirk.
const All = Set(1<<len(Table) - 1)

// Has says whether q is in the set.
func (s Set) Has(q Quirk) bool { return s&(1<<q) != 0 }

// All walks over the quirks in the set.
func (s Set) All() iter.Seq[Quirk] {
	return func(yield func(Quirk) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(Quirk(bits.TrailingZeros64(uint64(s)))) {
				return
			}
		}
	}
}

// String returns the quirk's name.
func (q Quirk) String() string { return Table[q].Name }

// Row describes a quirk.
type Row struct {
	Name    string // the name in the journal and the documentation
	From    string // the identity providers that are known to send it
	Becomes string // what Rollcall makes of it
}

// These are the quirks. The comment behind each names the packages that tolerate it.
const (
	StringBoolean        Quirk = iota // schema
	StringNumber                      // schema
	ScalarForArray                    // schema
	ArrayForScalar                    // schema
	ScalarComplex                     // schema
	UnknownSchema                     // schema
	MissingSchemas                    // schema, patch
	OperationCase                     // patch
	NoOperations                      // patch
	DottedKeys                        // patch, schema
	UnqualifiedExtension              // schema
	RemoveWithValue                   // patch
	CreateFromFilter                  // patch
	EmptyMeansNone                    // patch, schema
	JSONInString                      // patch
	WholeResourceInValue              // patch
	UnquotedFilterValue               // scim, reported by store/filter
	FilterSubAttribute                // scim, reported by store/filter
	EmailAttribute                    // schema
	UnknownAttribute                  // schema, patch
	ReadOnlyInValue                   // patch
	RemoveNothing                     // patch
	BulkPath                          // scim
	TextJSON                          // scim
	CharsetSpelling                   // scim
	ByteOrderMark                     // scim
	AcceptOther                       // scim
	NumberForText                     // schema
	EmptyPath                         // patch
)

// Table has a row for every quirk.
var Table = [...]Row{
	StringBoolean:        {"string-boolean", "Entra ID (active, roles[].primary)", `"True" and "false", in any case, are the booleans`},
	StringNumber:         {"string-number", "OneLogin templates", "a number in quotes is the number"},
	ScalarForArray:       {"scalar-for-array", "Microsoft's Postman suite, OneLogin templates", "one value for a multi-valued attribute is an array of that value"},
	ArrayForScalar:       {"array-for-scalar", "Entra ID (manager)", "an array of one value for a singular attribute is that value"},
	ScalarComplex:        {"scalar-complex", "Entra ID (manager), Microsoft's Postman suite (members)", "a simple value for a complex attribute is its sub-attribute value"},
	UnknownSchema:        {"unknown-schema", "Entra ID (Group), OneLogin (SCIM 1.0 core)", "a URN in schemas that the resource type doesn't have is ignored"},
	MissingSchemas:       {"missing-schemas", "Entra ID (custom extensions), hand-written clients", "schemas follows from the attributes that were sent"},
	OperationCase:        {"operation-case", "Entra ID (Add, Replace, Remove)", "the operation counts as if it was written in lower case"},
	NoOperations:         {"no-operations", "Microsoft's SCIM validator", "a PATCH with an empty Operations array changes nothing"},
	DottedKeys:           {"dotted-keys", "Entra ID (aadOptscim062020)", `a key such as "name.givenName" or "urn:...:User:department" in a value is read as a path`},
	UnqualifiedExtension: {"unqualified-extension", "Entra ID (manager)", "an attribute that is named without its URN is the one extension's that has it"},
	RemoveWithValue:      {"remove-with-value", "Entra ID, authentik (members)", "a remove with a value removes the values that it lists, and no others"},
	CreateFromFilter:     {"create-from-filter", "Entra ID", `an add or replace on emails[type eq "work"].value with no such element makes one`},
	EmptyMeansNone:       {"empty-means-none", "Entra ID (manager), OneLogin templates", "an empty string in a value that must not be empty unassigns it"},
	JSONInString:         {"json-in-string", "Entra ID (AppRoleAssignmentsComplex)", "a string that holds a JSON object for a complex attribute is that object"},
	WholeResourceInValue: {"whole-resource-in-value", "authentik, Okta", "id, schemas, meta and groups in a value without a path are ignored"},
	UnquotedFilterValue:  {"unquoted-filter-value", "authentik, Microsoft's Postman suite", "a bare word behind eq is a string"},
	FilterSubAttribute:   {"filter-sub-attribute", "Entra ID", `emails[type eq "work"].value eq "x" is emails[type eq "work" and value eq "x"]`},
	EmailAttribute:       {"email-attribute", "Okta (unique identifier field email)", `email in a filter is emails.value`},
	UnknownAttribute:     {"unknown-attribute", "Okta, OneLogin templates, Microsoft's SCIM validator", "an attribute that the schema doesn't have is ignored"},
	ReadOnlyInValue:      {"read-only-in-value", "authentik, Okta", "a read-only attribute in a value without a path is ignored"},
	BulkPath:             {"bulk-path", "hand-written clients", "the path of a bulk operation without the slash at its beginning, or with the address of the service, is the path"},
	TextJSON:             {"text-json", "older client libraries", "the media type text/json is application/json"},
	CharsetSpelling:      {"charset-spelling", "hand-written clients", "the charset utf8 is utf-8"},
	ByteOrderMark:        {"byte-order-mark", "clients on Windows", "a byte order mark before the body is ignored"},
	AcceptOther:          {"accept-other", "browsers, hand-written clients", "a request that accepts no JSON is answered in application/scim+json"},
	NumberForText:        {"number-for-text", "OneLogin templates, hand-written clients", "a number for an attribute that is a text is its digits"},
	EmptyPath:            {"empty-path", "hand-written clients", "an empty path is none"},
	RemoveNothing:        {"remove-nothing", "Entra ID", "a remove of elements that aren't there changes nothing"},
}
