package scim

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// The URNs of a bulk request and its answer (RFC 7644 section 3.7).
const (
	bulkRequestSchema  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulkOperation is one operation of a bulk request, and what became of it. Each is a commit of its own, as the same request
// by itself would be.
type bulkOperation struct {
	index   int
	method  string
	bulkID  string
	ep      *endpoint
	id      string // of the resource, from the path; "" for POST; may be a reference
	version string // that the resource must have
	data    document.Value

	refs     []*bulkOperation // whose resources it names
	deferred []*bulkOperation // those of refs that are made after it, as they name it too
	circle   int              // operations that name each other in a circle have the same number

	done    chan struct{} // closed when the operation's last step has ended
	made    chan struct{} // closed when its first step has ended
	ran     bool
	created bool // it made a resource that wasn't there
	found   found
	status  int
	err     *Error
}

// bulk answers POST /Bulk (RFC 7644 section 3.7).
func (x *exchange) bulk() error {
	if x.r.Method != http.MethodPost {
		return x.notAllowed(http.MethodPost)
	}
	if err := x.permit(ScopeWrite); err != nil {
		return err
	}
	x.bodyLimit, x.limitName = x.h.opts.Limits.BulkPayload, "maxPayloadSize "
	if x.request.ID == "" {
		x.request.ID = uuid.NewString() // of every operation's entry in the journal
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	most, list, err := x.bulkRequest(body)
	if err != nil {
		return err
	}
	b := &bulkJob{x: x, failOnErrors: most, byID: make(map[string]*bulkOperation)}
	for i, item := range list.Items() {
		b.ops = append(b.ops, b.operation(i, item.Value))
	}
	for _, o := range b.ops {
		b.refer(o)
	}
	if wait, asked := respondAsync(x.r.Header); asked && x.answersAsync() {
		return b.runAsync(wait)
	}
	b.run()
	return b.answer()
}

// bulkRequest reads what a bulk request says of itself: how many errors it accepts (0: any number), and its operations.
func (x *exchange) bulkRequest(body document.Value) (failOnErrors int, list document.Value, err error) {
	if !holds(body.Fold("schemas"), bulkRequestSchema) && !x.mode.Tolerate(quirk.MissingSchemas) {
		return 0, list, badRequest("invalidSyntax", "schemas: want %s", bulkRequestSchema)
	}
	list = body.Fold("Operations")
	switch {
	case list.Kind() != document.KindArray:
		return 0, list, badRequest("invalidSyntax", "Operations: want an array of operations, got %s", list.Kind())
	case list.Len() == 0 && !x.mode.Tolerate(quirk.NoOperations):
		return 0, list, badRequest("invalidSyntax", "Operations: want at least one operation")
	case list.Len() > x.h.opts.Limits.BulkOperations: // RFC 7644 section 3.7.4
		return 0, list, &Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf(
			"Operations: %d in one request exceed the maxOperations (%d); send them in several requests", list.Len(), x.h.opts.Limits.BulkOperations)}
	}
	switch v := body.Fold("failOnErrors"); v.Kind() {
	case document.KindNull:
	case document.KindNumber:
		if failOnErrors, err = strconv.Atoi(v.Text()); err != nil || failOnErrors < 0 {
			return 0, list, badRequest("invalidValue", "failOnErrors: want an integer that is not negative, got %s", quoted(v.Text()))
		}
	default:
		return 0, list, badRequest("invalidValue", "failOnErrors: want an integer, got %s", v.Kind())
	}
	return failOnErrors, list, nil
}

// operation reads one operation. What is wrong with it is the operation's error, and no other's (RFC 7644 section 3.7.3).
func (b *bulkJob) operation(i int, v document.Value) *bulkOperation {
	o := &bulkOperation{index: i, done: make(chan struct{}), made: make(chan struct{})}
	if err := b.read(o, v); err != nil {
		o.err = describe(err)
	}
	return o
}

func (b *bulkJob) read(o *bulkOperation, v document.Value) error {
	at := "Operations[" + strconv.Itoa(o.index) + "]"
	if v.Kind() != document.KindObject {
		return badRequest("invalidSyntax", "%s: want an object with method, path and data, got %s", at, v.Kind())
	}
	text := func(name string) (string, error) {
		x := v.Fold(name)
		if x.Kind() != document.KindString && !x.IsNull() {
			return "", badRequest("invalidSyntax", "%s.%s: want a string, got %s", at, name, x.Kind())
		}
		return x.Text(), nil
	}
	var path string
	for name, to := range map[string]*string{"method": &o.method, "bulkId": &o.bulkID, "path": &path, "version": &o.version} {
		var err error
		if *to, err = text(name); err != nil {
			return err
		}
	}
	switch upper := strings.ToUpper(o.method); upper {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		if upper != o.method && !b.x.mode.Tolerate(quirk.OperationCase) {
			return badRequest("invalidSyntax", "%s.method: want %s, got %s", at, upper, quoted(o.method))
		}
		o.method = upper
	default:
		return badRequest("invalidSyntax", "%s.method: want POST, PUT, PATCH or DELETE, got %s", at, quoted(o.method))
	}
	if o.bulkID != "" {
		if b.byID[o.bulkID] != nil {
			return badRequest("invalidValue", "%s.bulkId: %s is an earlier operation's already", at, quoted(o.bulkID))
		}
		b.byID[o.bulkID] = o
	} else if o.method == http.MethodPost {
		return badRequest("invalidSyntax", "%s.bulkId: a POST wants one, by which the answer says which resource it made", at)
	}
	if err := b.target(o, at, path); err != nil {
		return err
	}
	o.data = v.Fold("data")
	if o.method != http.MethodDelete && o.data.Kind() != document.KindObject {
		return badRequest("invalidSyntax", "%s.data: want the body of the %s as an object, got %s", at, o.method, o.data.Kind())
	}
	return nil
}

// target reads an operation's path: /Users for a POST, /Users/{id} for the others.
func (b *bulkJob) target(o *bulkOperation, at, path string) error {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok && b.x.mode.Tolerate(quirk.BulkPath) {
		rest, ok = strings.TrimPrefix(strings.TrimPrefix(path, b.x.base), "/"), true
	}
	name, id, hasID := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	o.ep = b.x.h.endpoints[name]
	switch {
	case !ok || path == "":
		return badRequest("invalidPath", "%s.path: want a path such as /Users or /Users/{id}, got %s", at, quoted(path))
	case o.ep == nil:
		return &Error{Status: http.StatusNotFound, Detail: at + ".path: " + b.x.h.noEndpoint(name)}
	case o.method == http.MethodPost && hasID:
		return badRequest("invalidPath", "%s.path: a POST wants the endpoint of a resource type, such as %s", at, o.ep.Endpoint)
	case o.method != http.MethodPost && (id == "" || strings.ContainsAny(id, "/?#")):
		return badRequest("invalidPath", "%s.path: %s wants the path of one resource, such as %s/{id}", at, o.method, o.ep.Endpoint)
	}
	if unescaped, err := url.PathUnescape(id); err == nil {
		id = unescaped
	}
	o.id = id
	return nil
}

// answer sends what became of the operations, in their order; those that were not tried any more are left out.
func (b *bulkJob) answer() error {
	x := b.x
	b.versions()
	x.buf = append(x.buf[:0], `{"schemas":["`+bulkResponseSchema+`"],"Operations":[`...)
	send := x.overflow(http.StatusOK)
	first := true
	for _, o := range b.ops {
		if !o.ran {
			continue
		}
		if !first {
			x.buf = append(x.buf, ',')
		}
		first = false
		x.buf = send(o.appendJSON(x.buf, x.base))
	}
	x.buf = append(x.buf, "]}"...)
	return x.answer(http.StatusOK)
}

// versions gives each operation of the answer the version that a read would show, which depends on the groups that the resource is
// a member of by now. If the store can't say, the resources' own versions stay: everything is done by then, and writes go by
// those.
func (b *bulkJob) versions() {
	shown := make(map[string]*rowSum)
	var ids []string
	for _, o := range b.ops {
		if id := o.resource(); o.ran && o.err == nil && o.found.version != "" && o.ep.standard.Relation() == filter.Groups && shown[id] == nil {
			shown[id] = new(rowSum)
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	rows, err := b.x.groupRows(ids)
	if err != nil {
		return
	}
	for _, row := range rows {
		shown[row.ID].add(row)
	}
	for _, o := range b.ops {
		if sum := shown[o.resource()]; sum != nil && o.found.version != "" && o.ep.standard.Relation() == filter.Groups {
			o.found.version = sum.version(o.found.version)
		}
	}
}

// appendJSON appends an operation of the answer (RFC 7644 section 3.7.3).
func (o *bulkOperation) appendJSON(b []byte, base string) []byte {
	b = append(b, '{')
	if o.method != "" {
		b = document.AppendString(append(b, `"method":`...), o.method)
		b = append(b, ',')
	}
	if o.bulkID != "" {
		b = document.AppendString(append(b, `"bulkId":`...), o.bulkID)
		b = append(b, ',')
	}
	if id := o.resource(); id != "" && o.ep != nil {
		b = document.AppendString(append(b, `"location":`...), base+o.ep.Endpoint+"/"+url.PathEscape(id))
		b = append(b, ',')
	}
	if o.err == nil && o.found.version != "" {
		b = document.AppendString(append(b, `"version":`...), schema.ETag(o.found.version))
		b = append(b, ',')
	}
	if o.err != nil {
		b = o.err.appendJSON(append(b, `"response":`...))
		b = append(b, ',')
	}
	b = append(b, `"status":"`...)
	b = strconv.AppendInt(b, int64(o.status), 10)
	return append(b, `"}`...)
}

// resource is the id of the resource that the operation is about; "" if there is none, as after a POST that failed.
func (o *bulkOperation) resource() string {
	switch {
	case strings.HasPrefix(o.id, bulkReference):
		return ""
	case o.method != http.MethodPost:
		return o.id
	case o.err == nil && o.found.resource != nil:
		return o.found.resource.ID
	}
	return ""
}
