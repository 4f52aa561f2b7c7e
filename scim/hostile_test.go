package scim_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// attack is a request that nobody should send, and the answer that it gets. In target and body {ada} is the id of a user,
// {crew} that of a group with her in it, {eve} that of a user of another tenant.
type attack struct {
	name     string
	request  string // method and target
	body     string
	header   string // "Name: value" lines, in the place of the usual; an empty value leaves the header out
	status   int
	scimType string
	detail   string // a part of it
}

const (
	postUser  = "POST /Users"
	patchUser = "PATCH /Users/{ada}"
	putUser   = "PUT /Users/{ada}"
	patchCrew = "PATCH /Groups/{crew}"
)

var long = strings.Repeat("x", 100_000)

func filtered(filter string) string { return "GET /Users?filter=" + url.QueryEscape(filter) }

var badBodies = []attack{
	{"no body", postUser, "", "", 400, "invalidSyntax", "the body is empty"},
	{"blank body", postUser, " \r\n\t ", "", 400, "invalidSyntax", "the body is empty"},
	{"cut off", postUser, `{"userName":"x"`, "", 400, "invalidSyntax", "JSON"},
	{"cut off in a string", postUser, `{"userName":"x`, "", 400, "invalidSyntax", "JSON"},
	{"cut off in an escape", postUser, `{"userName":"\u00`, "", 400, "invalidSyntax", "JSON"},
	{"something behind", postUser, `{"userName":"x"} x`, "", 400, "invalidSyntax", "JSON"},
	{"two objects", postUser, `{"userName":"x"}{"userName":"y"}`, "", 400, "invalidSyntax", "JSON"},
	{"a list", postUser, `[{"userName":"x"}]`, "", 400, "invalidSyntax", "object"},
	{"a string", postUser, `"userName"`, "", 400, "invalidSyntax", "object"},
	{"a number", postUser, `1`, "", 400, "invalidSyntax", "object"},
	{"null", postUser, `null`, "", 400, "invalidSyntax", "object"},
	{"single quotes", postUser, `{'userName':'x'}`, "", 400, "invalidSyntax", "JSON"},
	{"a comment", postUser, `{/* x */"userName":"x"}`, "", 400, "invalidSyntax", "JSON"},
	{"a comma too many", postUser, `{"userName":"x",}`, "", 400, "invalidSyntax", "JSON"},
	{"a comma too few", postUser, `{"userName":"x" "active":true}`, "", 400, "invalidSyntax", "JSON"},
	{"a bare key", postUser, `{userName:"x"}`, "", 400, "invalidSyntax", "JSON"},
	{"NaN", postUser, `{"userName":"x","x":NaN}`, "", 400, "invalidSyntax", "JSON"},
	{"a hexadecimal number", postUser, `{"userName":"x","x":0x10}`, "", 400, "invalidSyntax", "JSON"},
	{"a leading zero", postUser, `{"userName":"x","x":01}`, "", 400, "invalidSyntax", "JSON"},
	{"True", postUser, `{"userName":"x","active":True}`, "", 400, "invalidSyntax", "JSON"},
	{"UTF-16", postUser, "\xff\xfe{\x00\"\x00", "", 400, "invalidSyntax", "JSON"},
	{"invalid UTF-8 in a value", postUser, "{\"userName\":\"\xff\"}", "", 400, "invalidSyntax", "UTF-8"},
	{"invalid UTF-8 in a name", postUser, "{\"userName\":\"x\",\"\xff\":1}", "", 400, "invalidSyntax", "UTF-8"},
	{"overlong UTF-8", postUser, "{\"userName\":\"\xc0\x80\"}", "", 400, "invalidSyntax", "UTF-8"},
	{"a surrogate in UTF-8", postUser, "{\"userName\":\"\xed\xa0\x80\"}", "", 400, "invalidSyntax", "UTF-8"},
	{"half a surrogate pair", postUser, `{"userName":"\ud800"}`, "", 400, "invalidSyntax", "surrogate"},
	{"a raw NUL", postUser, "{\"userName\":\"a\x00b\"}", "", 400, "invalidSyntax", "JSON"},
	{"an escaped NUL", postUser, `{"userName":"a\u0000b"}`, "", 400, "invalidSyntax", "NUL"},
	{"a raw line break", postUser, "{\"userName\":\"a\nb\"}", "", 400, "invalidSyntax", "JSON"},
	{"an unknown escape", postUser, `{"userName":"\x41"}`, "", 400, "invalidSyntax", "JSON"},
	{"lists 100,000 deep", postUser, `{"userName":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "", 400, "invalidSyntax", "deep"},
	{"objects 50,000 deep", postUser, strings.Repeat(`{"name":`, 50_000) + "1" + strings.Repeat("}", 50_000), "", 400, "invalidSyntax", "deep"},
	{"a name twice", postUser, `{"userName":"x","userName":"y"}`, "", 400, "invalidSyntax", "userName"},
	{"a name twice in other case", postUser, `{"userName":"x","USERNAME":"y"}`, "", 400, "invalidSyntax", "twice"},
	{"a sub-attribute twice", postUser, `{"userName":"x","name":{"givenName":"a","givenname":"b"}}`, "", 400, "invalidSyntax", "twice"},
	{"too large", postUser, `{"userName":"` + strings.Repeat("x", 1<<20) + `"}`, "", 413, "", "1 MiB"},
	{"too large, in chunks", postUser, `{"userName":"` + strings.Repeat("x", 1<<20) + `"}`, "Transfer-Encoding: chunked", 413, "", "1 MiB"},
	{"too large by its own account", postUser, `{}`, "Content-Length: 99999999999", 413, "", "1 MiB"},
}

var badTypes = []attack{
	{"plain text", postUser, `{"userName":"x"}`, "Content-Type: text/plain", 415, "", "application/scim+json"},
	{"a form", postUser, `userName=x`, "Content-Type: application/x-www-form-urlencoded", 415, "", "application/scim+json"},
	{"multipart", postUser, `x`, "Content-Type: multipart/form-data; boundary=x", 415, "", "application/scim+json"},
	{"XML", postUser, `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`, "Content-Type: application/xml", 415, "", "application/scim+json"},
	{"an unreadable media type", postUser, `{"userName":"x"}`, "Content-Type: ;;", 415, "", "application/scim+json"},
	{"another charset", postUser, `{"userName":"x"}`, "Content-Type: application/json; charset=utf-16", 415, "", "utf-8"},
	{"gzip cut off", postUser, "\x1f\x8b\x08", "Content-Encoding: gzip", 400, "invalidSyntax", "not gzip"},
	{"no gzip at all", postUser, `{"userName":"x"}`, "Content-Encoding: gzip", 400, "invalidSyntax", "not gzip"},
	{"brotli", postUser, "x", "Content-Encoding: br", 415, "", "Content-Encoding"},
	{"gzip twice", postUser, "x", "Content-Encoding: gzip, gzip", 415, "", "Content-Encoding"},
}

var badValues = []attack{
	{"no userName", postUser, `{}`, "", 400, "invalidValue", "userName"},
	{"userName null", postUser, `{"userName":null}`, "", 400, "invalidValue", "userName"},
	{"userName empty", postUser, `{"userName":""}`, "", 400, "invalidValue", "userName"},
	{"userName blank", postUser, `{"userName":" \t "}`, "", 400, "invalidValue", "userName"},
	{"userName a number", postUser, `{"userName":1}`, "", 400, "invalidValue", "userName: want a string, got number"},
	{"userName an object", postUser, `{"userName":{"$ne":null}}`, "", 400, "invalidValue", "userName: want a string, got object"},
	{"userName a list", postUser, `{"userName":["x","y"]}`, "", 400, "invalidValue", "userName"},
	{"userName too long for an index", postUser, `{"userName":"` + strings.Repeat("x", 100_000) + `"}`, "", 400, "invalidValue", "userName"},
	{"active neither true nor false", postUser, `{"userName":"x","active":"maybe"}`, "", 400, "invalidValue", "active: want"},
	{"active a number", postUser, `{"userName":"x","active":1}`, "", 400, "invalidValue", "active: want"},
	{"name a string", postUser, `{"userName":"x","name":"Ada"}`, "", 400, "invalidValue", "name: want an object with formatted"},
	{"name a list", postUser, `{"userName":"x","name":[1,2]}`, "", 400, "invalidValue", "name: want"},
	{"a sub-attribute an object", postUser, `{"userName":"x","name":{"givenName":"a","familyName":{"a":1}}}`, "", 400, "invalidValue", "name.familyName: want a string, got object"},
	{"emails of numbers", postUser, `{"userName":"x","emails":[1]}`, "", 400, "invalidValue", "emails[0]"},
	{"emails in lists", postUser, `{"userName":"x","emails":[[[]]]}`, "", 400, "invalidValue", "emails[0]"},
	{"an address that is a number", postUser, `{"userName":"x","emails":[{"value":"a"},{"value":true}]}`, "", 400, "invalidValue", "emails[1].value: want a string, got boolean"},
	{"two primary addresses", postUser, `{"userName":"x","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, "", 400, "invalidValue", "primary"},
	{"a certificate not in base64", postUser, `{"userName":"x","x509Certificates":[{"value":"***"}]}`, "", 400, "invalidValue", "x509Certificates[0].value"},
	{"schemas of numbers", postUser, `{"schemas":[1],"userName":"x"}`, "", 400, "invalidValue", "schemas[0]"},
	{"an extension that is a string", postUser, `{"userName":"x","` + enterpriseURN + `":"boo"}`, "", 400, "invalidValue", enterpriseURN},
	{"a long boolean", postUser, `{"userName":"x","active":"` + long + `"}`, "", 400, "invalidValue", "active"},
	{"a long name, twice", postUser, `{"userName":"x","` + long + `":1,"` + long + `":2}`, "", 400, "invalidSyntax", "twice"},
	{"100,000 addresses", postUser, `{"userName":"x","emails":[` + strings.Repeat(`{},`, 100_000) + `{}]}`, "", 400, "invalidValue", "emails: want at most"},
	{"a taken userName", postUser, `{"userName":"ADA"}`, "", 409, "uniqueness", "userName"},
	{"a group without a name", "POST /Groups", `{"members":[]}`, "", 400, "invalidValue", "displayName"},
	{"an unknown member", "POST /Groups", `{"displayName":"g","members":[{"value":"nobody"}]}`, "", 400, "invalidValue", `"nobody"`},
	{"a member of another tenant", "POST /Groups", `{"displayName":"g","members":[{"value":"{eve}"}]}`, "", 400, "invalidValue", "members"},
	{"a member without value", "POST /Groups", `{"displayName":"g","members":[{"display":"x"}]}`, "", 400, "invalidValue", "members[0].value"},
	{"a member of nothing", "POST /Groups", `{"displayName":"g","members":[{}]}`, "", 400, "invalidValue", "members[0].value"},
	{"a member of nothing, which would empty the group", "PUT /Groups/{crew}", `{"displayName":"Crew","members":[{}]}`, "", 400, "invalidValue", "members[0].value"},
	{"a null member, which would empty the group", "PUT /Groups/{crew}", `{"displayName":"Crew","members":[null]}`, "", 400, "invalidValue", "members[0].value"},
	{"a member by name, which would empty the group", "PUT /Groups/{crew}", `{"displayName":"Crew","members":[{"value":"{ada}"},{"display":"Ada"}]}`, "", 400, "invalidValue", "members[1].value"},
	{"members in lists", "PUT /Groups/{crew}", `{"displayName":"Crew","members":[[]]}`, "", 400, "invalidValue", "members[0]"},
	{"a member that is a number", "POST /Groups", `{"displayName":"g","members":[{"value":1}]}`, "", 400, "invalidValue", "members[0].value"},
	{"PUT without userName", putUser, `{"displayName":"x"}`, "", 400, "invalidValue", "userName"},
	{"PUT of another's userName", putUser, `{"userName":"bob"}`, "", 409, "uniqueness", "userName"},
	{"PUT never creates", "PUT /Users/new", `{"userName":"new"}`, "", 404, "", "there is no "},
}

var badPatches = []attack{
	{"no operations", patchUser, `{"schemas":["` + patchURN + `"]}`, "", 400, "invalidSyntax", "Operations"},
	{"operations null", patchUser, `{"Operations":null}`, "", 400, "invalidSyntax", "Operations"},
	{"operations a string", patchUser, `{"Operations":"remove all"}`, "", 400, "invalidSyntax", "Operations"},
	{"an operation that is a string", patchUser, patchBody(`"remove"`), "", 400, "invalidSyntax", "Operations[0]"},
	{"no op", patchUser, patchBody(`{"path":"displayName","value":"x"}`), "", 400, "invalidSyntax", "op"},
	{"op move", patchUser, patchBody(`{"op":"move","path":"displayName","value":"x"}`), "", 400, "invalidSyntax", "op"},
	{"op a number", patchUser, patchBody(`{"op":1,"path":"displayName","value":"x"}`), "", 400, "invalidSyntax", "op"},
	{"two ops", patchUser, patchBody(`{"op":"add","OP":"remove","path":"displayName","value":"x"}`), "", 400, "invalidSyntax", "twice"},
	{"path a number", patchUser, patchBody(`{"op":"replace","path":1,"value":"x"}`), "", 400, "invalidPath", "path"},
	{"an unknown path", patchUser, patchBody(`{"op":"replace","path":"nickname.first","value":"x"}`), "", 400, "invalidPath", "nickname"},
	{"an unclosed path", patchUser, patchBody(`{"op":"replace","path":"emails[type eq \"work\"","value":"x"}`), "", 400, "invalidPath", "]"},
	{"an empty filter in a path", patchUser, patchBody(`{"op":"replace","path":"emails[].value","value":"x"}`), "", 400, "invalidPath", "at character"},
	{"an index in a path", patchUser, patchBody(`{"op":"replace","path":"emails[0].value","value":"x"}`), "", 400, "invalidPath", "at character"},
	{"a path of four names", patchUser, patchBody(`{"op":"replace","path":"name.givenName.first.letter","value":"x"}`), "", 400, "invalidPath", "at character"},
	{"a path of SQL", patchUser, patchBody(`{"op":"replace","path":"displayName'; DROP TABLE users;--","value":"x"}`), "", 400, "invalidPath", "at character"},
	{"a path of brackets", patchUser, patchBody(`{"op":"remove","path":"emails` + strings.Repeat("[", 5_000) + `"}`), "", 400, "invalidPath", "Operations[0] emails"},
	{"a long path", patchUser, patchBody(`{"op":"replace","path":"` + strings.Repeat("a", 100_000) + `","value":"x"}`), "", 400, "invalidPath", "Operations[0] aaa"},
	{"remove without a path", patchUser, patchBody(`{"op":"remove"}`), "", 400, "noTarget", "path"},
	{"remove of what is required", patchUser, patchBody(`{"op":"remove","path":"userName"}`), "", 400, "mutability", "userName"},
	{"userName to null", patchUser, patchBody(`{"op":"replace","path":"userName","value":null}`), "", 400, "mutability", "userName"},
	{"id", patchUser, patchBody(`{"op":"replace","path":"id","value":"x"}`), "", 400, "mutability", "id"},
	{"meta", patchUser, patchBody(`{"op":"replace","path":"meta.created","value":"2001-01-01T00:00:00Z"}`), "", 400, "mutability", "meta"},
	{"groups of a user", patchUser, patchBody(`{"op":"add","path":"groups","value":[{"value":"{crew}"}]}`), "", 400, "mutability", "groups"},
	{"no value", patchUser, patchBody(`{"op":"add","path":"displayName"}`), "", 400, "invalidValue", "value"},
	{"a value that isn't an object", patchUser, patchBody(`{"op":"replace","value":"x"}`), "", 400, "invalidValue", "value"},
	{"a value of the wrong type", patchUser, patchBody(`{"op":"replace","path":"displayName","value":{"a":1}}`), "", 400, "invalidValue", "displayName"},
	{"the last of several is wrong", patchUser, patchBody(`{"op":"replace","path":"displayName","value":"changed"}`, `{"op":"replace","path":"active","value":"perhaps"}`), "", 400, "invalidValue", "active"},
	{"too many operations", patchUser, patchBody(strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"displayName","value":"x"},`, 1_001), ",")), "", 413, "", "1000"},
	{"too many members", patchCrew, patchBody(`{"op":"add","path":"members","value":` + manyMembers(20_001) + `}`), "", 413, "", "20000"},
	{"an unknown member to add", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":"{ada}"},{"value":"nobody"}]}`), "", 400, "invalidValue", `"nobody"`},
	{"a group in itself by another tenant's id", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":"{eve}"}]}`), "", 400, "invalidValue", "members"},
	{"members to null in a list", patchCrew, patchBody(`{"op":"replace","path":"members","value":[null]}`), "", 400, "invalidValue", "members"},
	{"members to nothing in a list", patchCrew, patchBody(`{"op":"replace","path":"members","value":[{}]}`), "", 400, "invalidValue", "members"},
	{"members to lists", patchCrew, patchBody(`{"op":"replace","path":"members","value":[[]]}`), "", 400, "invalidValue", "members"},
	{"members to nothing without a path", patchCrew, patchBody(`{"op":"replace","value":{"members":[{}]}}`), "", 400, "invalidValue", "members"},
	{"addresses to nothing in lists", patchUser, patchBody(`{"op":"replace","path":"emails","value":[[{}]]}`), "", 400, "invalidValue", "emails[0]"},
	{"the name of the group removed", patchCrew, patchBody(`{"op":"remove","path":"displayName"}`), "", 400, "mutability", "displayName"},
	{"a member of HTML", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":"<script>"}]}`), "", 400, "invalidValue", "there is no resource"},
	{"a member by its path", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":"../Users/{ada}"}]}`), "", 400, "invalidValue", "there is no resource"},
	{"a member of long id", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":"` + strings.Repeat("x", 60_000) + `"}]}`), "", 400, "invalidValue", "want the id of a resource"},
	{"a member of long id in a new group", "POST /Groups", `{"displayName":"g","members":[{"value":"` + strings.Repeat("x", 60_000) + `"}]}`, "", 400, "invalidValue", "want the id of a resource"},
	{"a member of no id", patchCrew, patchBody(`{"op":"add","path":"members","value":[{"value":""}]}`), "", 400, "invalidValue", "members[0]"},
	{"members by a filter that breaks out", patchCrew, patchBody(`{"op":"remove","path":"members[value eq \"x\"] or members[value pr]"}`), "", 400, "invalidPath", "at character"},
	{"members by an unknown sub-attribute", patchCrew, patchBody(`{"op":"remove","path":"members[shoeSize eq 44]"}`), "", 400, "invalidFilter", "shoeSize"},
	{"a long op", patchUser, patchBody(`{"op":"` + long + `","path":"title"}`), "", 400, "invalidSyntax", "want add, remove or replace"},
	{"a long filter in a path", patchUser, patchBody(`{"op":"add","path":"emails[type eq \"` + long + `\"].value","value":"x"}`), "", 400, "invalidPath", "Operations[0] emails"},
	{"nobody there", "PATCH /Users/nobody", patchBody(`{"op":"replace","path":"displayName","value":"x"}`), "", 404, "", "there is no "},
}

func manyMembers(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = itoa(i)
	}
	return memberList(ids)
}

var badQueries = []attack{
	{"an attribute alone", filtered(`userName`), "", "", 400, "invalidFilter", "at character"},
	{"no value", filtered(`userName eq`), "", "", 400, "invalidFilter", "at character"},
	{"no attribute", filtered(`eq "x"`), "", "", 400, "invalidFilter", "want an operator"},
	{"an open and", filtered(`userName eq "x" and`), "", "", 400, "invalidFilter", "at character"},
	{"an open bracket", filtered(`(userName eq "x"`), "", "", 400, "invalidFilter", "at character"},
	{"a bracket too many", filtered(`userName eq "x")`), "", "", 400, "invalidFilter", "at character"},
	{"an open quote", filtered(`userName eq "x`), "", "", 400, "invalidFilter", "at character"},
	{"an open list bracket", filtered(`emails[type eq "work"`), "", "", 400, "invalidFilter", "at character"},
	{"an empty list bracket", filtered(`emails[]`), "", "", 400, "invalidFilter", "at character"},
	{"brackets in brackets", filtered(`emails[emails[type eq "work"]]`), "", "", 400, "invalidFilter", "at character"},
	{"an operator of nobody's", filtered(`userName regex ".*"`), "", "", 400, "invalidFilter", "regex"},
	{"not alone", filtered(`not`), "", "", 400, "invalidFilter", "at character"},
	{"nothing in brackets", filtered(`()`), "", "", 400, "invalidFilter", "at character"},
	{"single quotes", filtered(`userName eq 'x' or '1'='1'`), "", "", 400, "invalidFilter", "at character"},
	{"SQL behind it", filtered(`userName eq "x"; DROP TABLE resource; --`), "", "", 400, "invalidFilter", "at character"},
	{"SQL as an attribute", filtered(`1=1 or userName eq "x"`), "", "", 400, "invalidFilter", "at character"},
	{"half an escape", filtered(`userName eq "\u12"`), "", "", 400, "invalidFilter", "at character"},
	{"a NUL", filtered("userName eq \"a\x00\""), "", "", 400, "invalidFilter", "control character"},
	{"invalid UTF-8", "GET /Users?filter=userName+eq+%22%ff%22", "", "", 400, "invalidFilter", "UTF-8"},
	{"a list as value", filtered(`userName eq ["x"]`), "", "", 400, "invalidFilter", "at character"},
	{"an object as value", filtered(`userName eq {"$ne":null}`), "", "", 400, "invalidFilter", "at character"},
	{"the password", filtered(`password eq "secret"`), "", "", 400, "invalidFilter", "password"},
	{"is there a password", filtered(`password pr`), "", "", 400, "invalidFilter", "password"},
	{"an unknown attribute", filtered(`shoeSize eq 44`), "", "", 400, "invalidFilter", "shoeSize"},
	{"an unknown schema", filtered(`urn:x:y:userName eq "x"`), "", "", 400, "invalidFilter", "urn:x:y"},
	{"an order of booleans", filtered(`active gt true`), "", "", 400, "invalidFilter", "active"},
	{"a boolean that is a text", filtered(`active eq "maybe"`), "", "", 400, "invalidFilter", "active"},
	{"a time that is none", filtered(`meta.created gt "yesterday"`), "", "", 400, "invalidFilter", "meta.created"},
	{"a long filter", filtered(`userName eq "` + strings.Repeat("x", 9_000) + `"`), "", "", 400, "invalidFilter", "8"},
	{"a deep filter", filtered(strings.Repeat("(", 3_000) + `userName pr` + strings.Repeat(")", 3_000)), "", "", 400, "invalidFilter", "at most 32 brackets"},
	{"many nots", filtered(strings.Repeat("not(", 1_500) + `userName pr` + strings.Repeat(")", 1_500)), "", "", 400, "invalidFilter", "at most 32 brackets"},
	{"many terms", filtered(strings.TrimSuffix(strings.Repeat(`id pr or `, 900), " or ")), "", "", 400, "invalidFilter", "at most 256 comparisons"},
	{"a raw semicolon behind a filter", "GET /Users?filter=userName+eq+%22a;b%22;x", "", "", 400, "invalidFilter", "at character"},
	{"a filter of schemas with a semicolon", "GET /Schemas?filter=a;b", "", "", 403, "", "filter"},
	{"many parameters", "GET /Users?" + strings.Repeat("a&", 2_000), "", "", 400, "invalidSyntax", "too many parameters"},
	{"startIndex a word", "GET /Users?startIndex=first", "", "", 400, "invalidValue", "startIndex"},
	{"startIndex a fraction", "GET /Users?startIndex=1.5", "", "", 400, "invalidValue", "startIndex"},
	{"count a word", "GET /Users?count=all", "", "", 400, "invalidValue", "count"},
	{"count in scientific notation", "GET /Users?count=1e3", "", "", 400, "invalidValue", "count"},
	{"count in an error's words", "GET /Users?count=value+out+of+range", "", "", 400, "invalidValue", "count"},
	{"a long count", "GET /Users?count=" + long, "", "", 400, "invalidValue", "count: want an integer"},
	{"a long startIndex", "GET /Users?startIndex=" + long, "", "", 400, "invalidValue", "startIndex: want an integer"},
	{"a long sortOrder", "GET /Users?sortOrder=" + long, "", "", 400, "invalidValue", "sortOrder: want"},
	{"a long sortBy", "GET /Users?sortBy=" + long, "", "", 400, "invalidPath", "sortBy"},
	{"too many attributes", "GET /Users?attributes=" + strings.Repeat("a,", 50_000), "", "", 400, "invalidValue", "attribute names"},
	{"a query that isn't encoded", "GET /Users?filter=%zz", "", "", 400, "invalidSyntax", "query string"},
	{"a number beyond all", filtered(`meta.created gt 1e999999`), "", "", 400, "invalidFilter", "meta.created"},
	{"a long name", filtered(strings.Repeat("a", 8_000) + ` eq "x"`), "", "", 400, "invalidFilter", "no attribute"},
	{"a long operator", filtered(`userName ` + strings.Repeat("x", 8_000) + ` "x"`), "", "", 400, "invalidFilter", "operator"},
	{"a long URN", filtered(`urn:` + strings.Repeat("x:", 3_000) + ` eq "x"`), "", "", 400, "invalidFilter", "at character"},
	{"sorted by the password", "GET /Users?sortBy=password", "", "", 400, "invalidPath", "password"},
	{"sorted by nothing there is", "GET /Users?sortBy=shoeSize", "", "", 400, "invalidPath", "shoeSize"},
	{"sorted sideways", "GET /Users?sortBy=userName&sortOrder=sideways", "", "", 400, "invalidValue", "sortOrder"},
	{"attributes and excludedAttributes", "GET /Users?attributes=userName&excludedAttributes=name", "", "", 400, "invalidValue", "excludedAttributes"},
	{"a search by a list", "POST /Users/.search", `{"filter":["userName pr"]}`, "", 400, "invalidValue", "filter: want a string, got array"},
	{"a search for a word of pages", "POST /Users/.search", `{"count":"all"}`, "", 400, "invalidValue", "count: want a number, got string"},
	{"a search in another schema", "POST /Users/.search", `{"schemas":["` + userURN + `"]}`, "", 400, "invalidSyntax", "schemas"},
	{"a search for a number beyond all", "POST /Users/.search", `{"count":1e999999}`, "", 400, "invalidValue", "count"},
	{"a search with a long filter", "POST /Users/.search", `{"filter":"` + long + `"}`, "", 400, "invalidFilter", "8192"},
	{"a search in a long order", "POST /Users/.search", `{"sortOrder":"` + long + `"}`, "", 400, "invalidValue", "sortOrder"},
	{"a filter of schemas", "GET /Schemas?filter=id+pr", "", "", 403, "", "filter"},
}

var badAddresses = []attack{
	{"nowhere", "GET /Nowhere", "", "", 404, "", "ResourceTypes"},
	{"other case", "GET /users", "", "", 404, "", "it is /Users"},
	{"a part of a user", "GET /Users/{ada}/emails", "", "", 404, "", "endpoint"},
	{"a user among groups", "GET /Groups/{ada}", "", "", 404, "", "there is no "},
	{"a group among users", "DELETE /Users/{crew}", "", "", 404, "", "there is no "},
	{"up and out", "GET /Users/../../../../etc/passwd", "", "", 404, "", "endpoint"},
	{"up and out, encoded", "GET /Users/..%2f..%2f..%2fetc%2fpasswd", "", "", 404, "", "endpoint"},
	{"up, encoded", "DELETE /Users/%2e%2e", "", "", 404, "", "there is no User"},
	{"up to the groups", "GET /Users/..%2fGroups%2f{crew}", "", "", 404, "", "endpoint"},
	{"a NUL in the id", "GET /Users/{ada}%00", "", "", 404, "", "there is no "},
	{"invalid UTF-8 in the id", "GET /Users/%ff%fe", "", "", 404, "", "there is no "},
	{"SQL in the id", "DELETE /Users/x'%20OR%20'1'='1", "", "", 404, "", "there is no "},
	{"a wildcard as id", "DELETE /Users/*", "", "", 404, "", "there is no "},
	{"a percent sign as id", "GET /Users/%25", "", "", 404, "", "there is no "},
	{"a very long id", "GET /Users/" + strings.Repeat("x", 100_000), "", "", 404, "", "there is no "},
	{"HTML in the id", "GET /Users/%3Cimg%20src=x%20onerror=alert(1)%3E", "", "", 404, "", "there is no User"},
	{"a terminal's escapes in the id", "GET /Users/%1b%5B2J%07", "", "", 404, "", `\x1b[2J\a`},
	{"right to left in the id", "GET /Users/%E2%80%AEnimda", "", "", 404, "", `\u202enimda`},
	{"a long id of long letters", "GET /Users/xx" + strings.Repeat("%E4%B8%96", 100), "", "", 404, "", `世..."`},
	{"a long schema", "GET /Schemas/" + long, "", "", 404, "", "there is no such entry in Schemas"},
	{"a long endpoint", "GET /" + long, "", "", 404, "", "ResourceTypes"},
	{"a long method", strings.Repeat("X", 50_000) + " /Users/{ada}", "", "", 405, "", "it takes GET"},
	{"a doubled slash", "GET //Users/{ada}", "", "", 404, "", "endpoint"},
	{"a doubled slash within", "DELETE /Users//{ada}", "", "", 404, "", "endpoint"},
	{"a matrix parameter", "DELETE /Users/;id={ada}", "", "", 404, "", "there is no "},
	{"a method in lower case", "delete /Users/{ada}", "", "", 405, "", "DELETE"},
	{"another tenant's user", "GET /Users/{eve}", "", "", 404, "", "there is no "},
	{"replacing another tenant's user", "PUT /Users/{eve}", `{"userName":"mine"}`, "", 404, "", "there is no "},
	{"patching another tenant's user", "PATCH /Users/{eve}", patchBody(`{"op":"replace","path":"active","value":false}`), "", 404, "", "there is no "},
	{"deleting another tenant's user", "DELETE /Users/{eve}", "", "", 404, "", "there is no "},
	{"deleting all users", "DELETE /Users", "", "", 405, "", "GET, HEAD, POST"},
	{"replacing all users", "PUT /Users", `{"userName":"x"}`, "", 405, "", "GET, HEAD, POST"},
	{"posting on a user", "POST /Users/{ada}", `{"userName":"x"}`, "", 405, "", "DELETE"},
	{"reading a search", "GET /Users/.search", "", "", 405, "", "POST"},
	{"deleting a schema", "DELETE /Schemas/" + userURN, "", "", 405, "", "GET"},
	{"posting a configuration", "POST /ServiceProviderConfig", `{"patch":{"supported":false}}`, "", 405, "", "GET"},
	{"TRACE", "TRACE /Users/{ada}", "", "", 405, "", "TRACE"},
	{"a method of nobody's", "EXPLODE /Users/{ada}", "", "", 405, "", "EXPLODE"},
	{"a bulk that is none", "POST /Bulk", `{"Operations":7}`, "", 400, "invalidSyntax", "Operations"},
	{"a bulk of bulks", "GET /Bulk", "", "", 405, "", "POST"},
	{"no me", "GET /Me", "", "", 501, "", "Me"},
}

var badHeaders = []attack{
	{"no credential", "GET /Users", "", "Authorization:", 401, "", "Authorization: Bearer"},
	{"no scheme", "GET /Users", "", "Authorization: acme", 401, "", "Authorization: Bearer"},
	{"another scheme", "GET /Users", "", "Authorization: Basic YWNtZTphY21l", 401, "", "Authorization: Bearer"},
	{"an empty token", "GET /Users", "", "Authorization: Bearer ", 401, "", "Authorization: Bearer"},
	{"a wrong token", "GET /Users", "", "Authorization: Bearer acme2", 401, "", "Authorization: Bearer"},
	{"a token in other case", "GET /Users", "", "Authorization: Bearer ACME", 401, "", "Authorization: Bearer"},
	{"two tokens", "GET /Users", "", "Authorization: Bearer nobody, Bearer acme", 401, "", "Authorization: Bearer"},
	{"two credentials", "GET /Users", "", "Authorization: Bearer acme\r\nAuthorization: Bearer acme", 401, "", "Authorization: Bearer"},
	{"two credentials, the first is right", "GET /Users", "", "Authorization: Bearer acme\r\nAuthorization: Bearer nobody", 401, "", "Authorization: Bearer"},
	{"a token padded with NBSP", "GET /Users", "", "Authorization: Bearer \u00a0acme\u00a0", 401, "", "Authorization: Bearer"},
	{"a long token", "GET /Users", "", "Authorization: Bearer " + strings.Repeat("x", 100_000), 401, "", "Authorization: Bearer"},
	{"a token in the query", "GET /Users?access_token=acme", "", "Authorization:", 401, "", "Authorization: Bearer"},
	{"nowhere without a credential", "GET /Nowhere", "", "Authorization:", 401, "", "Authorization: Bearer"},
	{"a version of long ago", "DELETE /Users/{ada}", "", `If-Match: W/"0"`, 412, "", "If-Match"},
	{"a version that is none", "DELETE /Users/{ada}", "", `If-Match: {}`, 412, "", "If-Match"},
	{"anything but what there is", putUser, `{"userName":"ada"}`, "If-None-Match: *", 412, "", "If-None-Match"},
	{"a version of nothing", "DELETE /Users/{ada}", "", `If-Match: ""`, 412, "", "If-Match"},
	{"a version of nothing, of members", patchCrew, patchBody(`{"op":"remove","path":"members"}`), `If-Match: ""`, 412, "", "If-Match"},
	{"a list of no versions", patchCrew, patchBody(`{"op":"remove","path":"members"}`), `If-Match: , ,`, 412, "", "If-Match"},
	{"two versions of long ago", patchCrew, patchBody(`{"op":"remove","path":"members"}`), `If-Match: "a", W/"b"`, 412, "", "If-Match"},
	{"a long version", patchCrew, patchBody(`{"op":"remove","path":"members"}`), `If-Match: ` + long, 412, "", "read it again"},
	{"20,000 versions", "DELETE /Groups/{crew}", "", `If-Match: ` + strings.Repeat(`"x",`, 20_000), 412, "", "If-Match"},
}

// oddities are strange, and fine: they read, and change nothing.
var oddities = []attack{
	{name: "another method in a header", request: "GET /Users/{ada}", header: "X-HTTP-Method-Override: DELETE", status: 200},
	{name: "another method in the query", request: "GET /Users/{ada}?_method=DELETE", status: 200},
	{name: "a proxy of one's own", request: "GET /Users/{ada}", header: "X-Forwarded-Host: evil.example", status: 200},
	{name: "the password by name", request: "GET /Users/{ada}?attributes=password", status: 200},
	{name: "a wildcard in a filter", request: filtered(`userName co "%"`), status: 200},
	{name: "another wildcard in a filter", request: filtered(`userName sw "_"`), status: 200},
	{name: "a quote in a filter", request: filtered(`userName eq "x' or '1'='1"`), status: 200},
	{name: "a number in a filter for a text", request: filtered(`userName eq 1`), status: 200},
	{name: "an unknown parameter", request: "GET /Users/{ada}?debug=true&%00=%ff", status: 200},
	{name: "blanks before a token", request: "GET /Users/{ada}", header: "Authorization: bearer   acme", status: 200},
	{name: "a raw semicolon in a value", request: "GET /Users?filter=userName+eq+%22a;b%22", status: 200},
	{name: "a raw semicolon in an unknown parameter", request: "GET /Users/{ada}?a;b=c;d&;", status: 200},
	{name: "a raw semicolon for discovery", request: "GET /Schemas?a;b", status: 200},
	{name: "a page behind the end", request: "GET /Users?startIndex=9223372036854775807&count=1", status: 200},
	{name: "a body on GET", request: "GET /Users/{ada}", body: `{"userName":"x"}`, status: 200},
	{name: "an unknown type wanted", request: "GET /Users/{ada}", header: "Accept: text/html, */*;q=0", status: 200},
	{name: "nonsense wanted", request: "GET /Users/{ada}", header: "Accept: ;;;,,,q=99", status: 200},
	{name: "much wanted", request: "GET /Users/{ada}", header: "Accept: " + long, status: 200},
	{name: "a part wanted", request: "GET /Users/{ada}", header: "Range: bytes=0-1", status: 200},
	{name: "another address in a header", request: "GET /Users/{ada}", header: "X-Original-URL: /Groups", status: 200},
	{name: "an unknown long version", request: "GET /Users/{ada}", header: "If-None-Match: " + long, status: 200},
	{name: "negative pages", request: "POST /Users/.search", body: `{"count":-5,"startIndex":-9}`, status: 200},
	{name: "pages of many digits", request: "GET /Users?count=" + strings.Repeat("9", 50_000), status: 200},
	{name: "a text beyond all numbers", request: filtered(`userName eq 1e999999`), status: 200},
	{name: "members that nobody has", request: patchCrew, body: patchBody(`{"op":"remove","path":"members[value eq \"x\\\" or \\\"1\\\" eq \\\"1\"]"}`), status: 204},
	{name: "an unknown attribute of long name", request: patchUser, body: patchBody(`{"op":"add","value":{"` + long + `":"x"}}`), status: 200},
	{name: "the same PATCH again", request: patchUser, body: patchBody(`{"op":"replace","path":"userName","value":"ada"}`), status: 200},
}

// Whatever comes, the answer says what is wrong, and after it the store is as it was and the service serves.
func TestHostile(t *testing.T) {
	fake := storetest.NewFake()
	h, err := scim.NewHandler(fake, &scim.Options{Auth: scim.BearerTokens{"acme": "acme", "umbrella": "umbrella"}})
	require.NoError(t, err)
	// Without a ServeMux, which would redirect unclean paths before they come to the handler.
	server := httptest.NewServer(http.StripPrefix("/scim/v2", h))
	defer server.Close()
	s := &service{t: t, url: server.URL + "/scim/v2", store: fake, h: h}

	ada := s.user("ada", `"displayName":"Ada","password":"s3cr3t-of-ada"`, `"emails":[{"type":"work","value":"ada@example.com"}]`)
	s.user("bob")
	crew := s.group("Crew", ada)
	eve := s.do("POST", "/Users", userBody("eve"), "Authorization: Bearer umbrella").is(201).id()
	fill := strings.NewReplacer("{ada}", ada, "{crew}", crew, "{eve}", eve).Replace
	first := s.everything()

	before, rows := first, 0
	for _, group := range []struct {
		name    string
		attacks []attack
	}{
		{"body", badBodies}, {"type", badTypes}, {"value", badValues}, {"patch", badPatches}, {"query", badQueries},
		{"address", badAddresses}, {"header", badHeaders}, {"odd", oddities},
	} {
		for _, a := range group.attacks {
			rows++
			t.Run(group.name+"/"+a.name, func(t *testing.T) {
				got := send(t, server.Listener.Addr().String(), fill(a.request), fill(a.body), a.header)
				assert.NotContains(t, got.text, "s3cr3t-of-ada")
				assert.NotContains(t, got.text, "evil.example")
				assert.NotContains(t, got.text, "goroutine")
				if a.status < 400 {
					got.is(a.status)
				} else {
					require.NotEmpty(t, a.detail)
					got.fails(a.status, a.scimType, a.detail)
					assert.Less(t, len(got.text), 1_000, "an error doesn't send back what came in")
				}
				after := s.everything()
				assert.True(t, before == after, "the request changed something")
				before = after // so that the next row answers for itself
			})
		}
	}
	assert.GreaterOrEqual(t, rows, 60)
	assert.True(t, first == before, "the store is as it was")
	s.user("still.serving")
}

// everything is all that the tenants can read.
func (s *service) everything() string {
	var all strings.Builder
	for _, tenant := range []string{"acme", "umbrella"} {
		for _, path := range []string{"/Users", "/Groups"} {
			all.WriteString(s.do("GET", path, "", "Authorization: Bearer "+tenant).is(200).text)
		}
	}
	return all.String()
}

// send writes a request by hand, as no well-behaved client would.
func send(t *testing.T, address, request, body, header string) answer {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	headers := []string{"Host: rollcall.example", "Authorization: Bearer acme", "Connection: close"}
	if body != "" {
		headers = append(headers, "Content-Type: application/scim+json")
	}
	name, _, _ := strings.Cut(header, ":")
	switch name {
	case "Transfer-Encoding":
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case "Content-Length":
	default:
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s /scim/v2%s HTTP/1.1\r\n", method, target)
	for _, h := range headers {
		if !strings.HasPrefix(h, name+":") || name == "" {
			b.WriteString(h + "\r\n")
		}
	}
	if header != "" && !strings.HasSuffix(header, ":") {
		b.WriteString(header + "\r\n")
	}
	b.WriteString("\r\n" + body)

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	go func() { _, _ = conn.Write(b.Bytes()) }() // the answer may come before the end of a large body
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	a := answer{t: t, status: res.StatusCode, header: res.Header, text: string(text)}
	if len(text) > 0 {
		require.NoError(t, json.Unmarshal(text, &a.body), "every body is JSON: %s", text)
		require.Equal(t, "application/scim+json", res.Header.Get("Content-Type"))
	}
	return a
}
