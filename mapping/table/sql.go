package table

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Dialect is the database that a product's tables are in.
type Dialect uint8

// These are the databases that [SQL] and [Memberships] work with.
const (
	PostgreSQL Dialect = iota + 1 // 14 or newer
	SQLite                        // 3.35 or newer
)

// SQL describes a table of the product whose rows are resources of one type. The tags of T's fields say which column each field is
// in, as in `scim:"userName" db:"email"`. A field that has only a db tag is read and written, too, but the identity provider can't change
// it. Columns that no field names are not touched, so they need a default.
//
// The table keeps its own primary key, which the database must make. SCIM's ids and everything else that T has no field for are in four
// further columns: see [SQL.Columns].
type SQL[T any] struct {
	Mapping *mapping.Mapping[T]
	Table   string // the table's name
	Tenant  string // the column with the name of the tenant that a row belongs to; the default is tenant
	ID      string // the column with the primary key; the default is id
	Created string // the column with the time at which a row was made; if empty, there is none
	// Deleted is the column with the time at which a row was deleted. A row with such a time is no resource any more. If Deleted is empty,
	// rows are really deleted, which fails for rows that foreign keys refer to.
	Deleted string
}

// Memberships describe the product's table of the members of groups. Members can only be users.
type Memberships struct {
	Table string
	Group string // the column with the primary key of the group
	User  string // the column with the primary key of the user
}

// Columns returns the statements that add to a table what SCIM needs: four columns, and the indexes by which rows are found. Put them
// into the product's migrations. On PostgreSQL they change nothing if they run again; on SQLite they fail then. The error says what is wrong
// with the description.
//
//	scim_id        the SCIM id; NULL for rows that the product itself has made, whose SCIM id is their primary key
//	scim_rest      Record.Rest
//	scim_name      the userName, or the displayName of a group, folded by document.Fold
//	scim_external  the externalId
func (d SQL[T]) Columns(in Dialect) ([]string, error) {
	r, err := newSQLRows(d, in)
	if err != nil {
		return nil, err
	}
	missing := "" // SQLite can't add a column only if it is missing
	if in == PostgreSQL {
		missing = "IF NOT EXISTS "
	}
	column := "ALTER TABLE " + r.Table + " ADD COLUMN " + missing
	index := "INDEX " + missing + strings.ReplaceAll(r.Table, ".", "_") + "_scim_"
	of := " ON " + r.Table + " (" + r.Tenant + ", "
	statements := []string{
		column + "scim_id TEXT",
		column + "scim_rest TEXT NOT NULL DEFAULT ''",
		column + "scim_name TEXT",
		column + "scim_external TEXT",
		"CREATE UNIQUE " + index + "id" + of + r.key + ")",
		"CREATE " + index + "name" + of + "scim_name)",
		"CREATE " + index + "external" + of + "scim_external)",
	}
	if r.name != "" {
		statements = append(statements, "CREATE "+index+"lower"+of+"lower("+r.name+"))")
	}
	return statements, nil
}

// sqlRows is a Repository on a table of the product.
type sqlRows[T any] struct {
	SQL[T]
	dialect Dialect
	db      Session
	columns []string // the columns of the fields, in the order of the fields
	fields  [][]int
	key     string            // the SQL expression for the SCIM id
	name    string            // the column of the attribute byName; it may be empty
	byName  string            // userName or displayName
	paths   map[string]string // the attributes by their columns
}

func newSQLRows[T any](d SQL[T], in Dialect) (*sqlRows[T], error) {
	if d.Tenant == "" {
		d.Tenant = "tenant"
	}
	if d.ID == "" {
		d.ID = "id"
	}
	if d.Mapping == nil {
		return nil, fmt.Errorf("table: SQL.Mapping of the table %q is not set: make one with mapping.For", d.Table)
	}
	if in != PostgreSQL && in != SQLite {
		return nil, errors.New("table: want the dialect PostgreSQL or SQLite")
	}
	r := &sqlRows[T]{SQL: d, dialect: in, paths: map[string]string{}}
	r.key = r.keyOf("")
	path := map[string]string{}
	for _, f := range d.Mapping.Fields() {
		for field := range strings.SplitSeq(f.Field, ", ") {
			path[field] = f.Path
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		column := f.Tag.Get("db")
		if column == "" || column == "-" {
			if path[f.Name] != "" {
				return nil, fmt.Errorf("table: field %s of %s has the attribute %s, and no column: add a tag such as `db:\"%s\"`",
					f.Name, reflect.TypeFor[T](), path[f.Name], strings.ToLower(f.Name))
			}
			continue
		}
		if !f.IsExported() {
			return nil, fmt.Errorf("table: field %s of %s, db:%q: the field is not exported", f.Name, reflect.TypeFor[T](), column)
		}
		r.columns, r.fields = append(r.columns, column), append(r.fields, f.Index)
		switch p := path[f.Name]; {
		case p == "userName", p == "displayName" && r.byName != "userName":
			r.byName, r.name = p, column
			fallthrough
		case p != "":
			r.paths[column] = p
		}
	}
	for _, name := range append([]string{d.Table, d.Tenant, d.ID}, r.columns...) {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{d.Created, d.Deleted} {
		if name != "" {
			if err := checkName(name); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// keyOf returns the SQL expression for a row's SCIM id. t is the alias of the table in the statement with a dot, or empty.
func (r *sqlRows[T]) keyOf(t string) string {
	key := "COALESCE(" + t + "scim_id, CAST(" + t + r.ID + " AS TEXT))"
	if r.dialect == PostgreSQL {
		return "(" + key + ` COLLATE "C")` // ids are compared by their bytes
	}
	return "(" + key + ")"
}

// checkName refuses text that would be more than a name in a statement. The name of a table may have a schema before a dot.
func checkName(name string) error {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || strings.ContainsFunc(part, func(c rune) bool {
			return c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
		}) {
			return fmt.Errorf("table: %q: want the name of a table or a column, of letters, digits and _", name)
		}
	}
	return nil
}

// sessionKey is the key of the transaction in a context.
type sessionKey struct{}

// session returns the transaction that a context is in, or the database.
func (r *sqlRows[T]) session(ctx context.Context) (s Session, inTx bool) {
	if s, ok := ctx.Value(sessionKey{}).(Session); ok {
		return s, true
	}
	return r.db, false
}

// args collects the arguments of a statement.
type args struct {
	dialect Dialect
	list    []any
	nobody  bool // whether an argument is a text that a database can't hold, so that no row has it
}

// add adds an argument, and returns its placeholder.
func (a *args) add(v any) string {
	if text, ok := v.(string); ok && !isText(text) {
		a.nobody = true
	}
	a.list = append(a.list, v)
	if a.dialect == SQLite {
		return "?" + strconv.Itoa(len(a.list)) // SQLite would take $1 for the name of a parameter
	}
	return "$" + strconv.Itoa(len(a.list))
}

// in adds arguments, and returns their placeholders as a list in brackets.
func (a *args) in(values []string) string {
	places := make([]string, 0, len(values))
	for _, v := range values {
		if isText(v) {
			places = append(places, a.add(v))
		}
	}
	a.nobody = a.nobody || len(places) == 0
	return "(" + strings.Join(places, ", ") + ")"
}

// isText says whether a database can hold a string as text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// values returns the columns of the fields and those of SCIM, and what a record has for them.
func (r *sqlRows[T]) values(rec *Record[T]) (columns []string, values []any) {
	v := reflect.ValueOf(&rec.Value).Elem()
	for _, index := range r.fields {
		values = append(values, v.FieldByIndex(index).Interface())
	}
	columns = append(slices.Clone(r.columns), "scim_rest", "scim_name", "scim_external")
	var name, external any // an absent value is NULL, which the indexes need not find
	if r.name != "" {
		if s := document.Fold(fmt.Sprint(v.FieldByIndex(r.fields[slices.Index(r.columns, r.name)]).Interface())); s != "" {
			name = s
		}
	}
	x := row{Resource: &store.Resource{}}
	if x.decode(document.Document(rec.Rest)) == nil {
		if id := x.Attributes.Get("externalId").Text(); id != "" {
			external = id
		}
	}
	return columns, append(values, rec.Rest, name, external)
}

// Create implements [Repository]. The database makes the primary key.
func (r *sqlRows[T]) Create(ctx context.Context, tenant string, rec *Record[T]) error {
	columns, values := r.values(rec)
	columns = append(columns, r.Tenant, "scim_id")
	a := args{dialect: r.dialect}
	places := make([]string, 0, len(columns))
	for _, v := range append(values, tenant, rec.ID) {
		places = append(places, a.add(v))
	}
	s, _ := r.session(ctx)
	_, err := s.Exec(ctx, "INSERT INTO "+r.Table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(places, ", ")+")", a.list...)
	return r.fail(err)
}

// Update implements [Repository].
func (r *sqlRows[T]) Update(ctx context.Context, tenant string, rec *Record[T]) error {
	columns, values := r.values(rec)
	a := args{dialect: r.dialect}
	sets := make([]string, len(columns))
	for i, c := range columns {
		sets[i] = c + " = " + a.add(values[i])
	}
	return r.change(ctx, "UPDATE "+r.Table+" SET "+strings.Join(sets, ", ")+r.where(&a, tenant)+" AND "+r.key+" = "+a.add(rec.ID), a)
}

// Delete implements [Repository]. If the row stays because of SQL.Deleted, SCIM's columns of it are emptied.
func (r *sqlRows[T]) Delete(ctx context.Context, tenant, id string) error {
	a := args{dialect: r.dialect}
	statement := "DELETE FROM " + r.Table
	if r.Deleted != "" {
		statement = "UPDATE " + r.Table + " SET " + r.Deleted + " = CURRENT_TIMESTAMP, scim_id = NULL, scim_rest = '', scim_name = NULL, scim_external = NULL"
	}
	err := r.change(ctx, statement+r.where(&a, tenant)+" AND "+r.key+" = "+a.add(id), a)
	if isReferred(err) {
		return fmt.Errorf("table: the row %s of %s can't be deleted, as rows of other tables refer to it: name a column in Deleted, so that it stays, or let the foreign keys cascade: %w", id, r.Table, err)
	}
	return err
}

// forget empties SCIM's columns of all rows of a tenant.
func (r *sqlRows[T]) forget(ctx context.Context, tenant string) error {
	a := args{dialect: r.dialect}
	s, _ := r.session(ctx)
	_, err := s.Exec(ctx, "UPDATE "+r.Table+" SET scim_id = NULL, scim_rest = '', scim_name = NULL, scim_external = NULL WHERE "+r.Tenant+" = "+a.add(tenant), a.list...)
	return err
}

func (r *sqlRows[T]) change(ctx context.Context, statement string, a args) error {
	s, _ := r.session(ctx)
	n, err := s.Exec(ctx, statement, a.list...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return r.fail(err)
}

// where returns a WHERE clause for the rows of a tenant that aren't deleted.
func (r *sqlRows[T]) where(a *args, tenant string) string { return " WHERE " + r.of("", a.add(tenant)) }

// of returns the condition of where, for a table with the alias t.
func (r *sqlRows[T]) of(t, tenant string) string {
	w := t + r.Tenant + " = " + tenant
	if r.Deleted != "" {
		w += " AND " + t + r.Deleted + " IS NULL"
	}
	return w
}

// fail makes the error of a unique column one that names the attribute.
func (r *sqlRows[T]) fail(err error) error {
	if !isUnique(err) {
		return err
	}
	return &taken{store.ConflictError{Attribute: r.attributeIn(err.Error())}, err}
}

// attributeIn finds the attribute whose column is named in a database's error message. If several are, the longest name counts.
func (r *sqlRows[T]) attributeIn(words string) string {
	found := ""
	for column := range r.paths {
		if strings.Contains(words, column) && len(column) > len(found) {
			found = column
		}
	}
	if found == "" {
		return "id"
	}
	return r.paths[found]
}

// taken is the error of a unique column whose value another transaction has written meanwhile. The store tries again, and then sees that row.
type taken struct {
	conflict store.ConflictError
	err      error
}

func (t *taken) Error() string   { return t.conflict.Error() + ": " + t.err.Error() }
func (t *taken) Unwrap() []error { return []error{&t.conflict, t.err} }

// Get implements [Repository]. In a transaction it locks the row, so that the product can't change it before the commit.
func (r *sqlRows[T]) Get(ctx context.Context, tenant, id string) (*Record[T], error) {
	a := args{dialect: r.dialect}
	condition := r.where(&a, tenant) + " AND " + r.key + " = " + a.add(id)
	if _, inTx := r.session(ctx); inTx && r.dialect == PostgreSQL {
		condition += " FOR UPDATE"
	}
	list, err := r.read(ctx, condition, a)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, store.ErrNotFound
	}
	return list[0], nil
}

// Find implements [Repository]. It finds a name by the column that SCIM wrote last, and by the product's column. The caller compares the
// rows again.
func (r *sqlRows[T]) Find(ctx context.Context, tenant, path, value string) ([]*Record[T], error) {
	a := args{dialect: r.dialect}
	condition := r.where(&a, tenant)
	if value == "" { // a name that is folded to an empty text is in no index
		return nil, errors.ErrUnsupported
	}
	switch path {
	case r.byName:
		at := a.add(value)
		condition += " AND (scim_name = " + at + " OR lower(" + r.name + ") = " + at + ")"
	case "externalId":
		if slices.Contains(slices.Collect(maps.Values(r.paths)), "externalId") {
			return nil, errors.ErrUnsupported // the product may have written the column itself, so scim_external can't answer
		}
		condition += " AND scim_external = " + a.add(value)
	default:
		return nil, errors.ErrUnsupported
	}
	return r.read(ctx, condition+" ORDER BY "+r.key, a)
}

// List implements [Repository].
func (r *sqlRows[T]) List(ctx context.Context, tenant, after string, most int) ([]*Record[T], error) {
	a := args{dialect: r.dialect}
	condition := r.where(&a, tenant)
	if after != "" {
		condition += " AND " + r.key + " > " + a.add(after)
	}
	return r.read(ctx, condition+" ORDER BY "+r.key+" LIMIT "+a.add(most), a)
}

// selected returns the list of columns that scan reads. t is the alias of the table in the statement with a dot.
func (r *sqlRows[T]) selected(t string) string {
	created := "NULL"
	if r.Created != "" {
		created = t + r.Created
	}
	list := []string{r.keyOf(t), t + "scim_rest", created}
	for _, c := range r.columns {
		list = append(list, t+c)
	}
	return strings.Join(list, ", ")
}

func (r *sqlRows[T]) read(ctx context.Context, condition string, a args) (list []*Record[T], err error) {
	if a.nobody {
		return nil, ctx.Err()
	}
	s, _ := r.session(ctx)
	rows, err := s.Query(ctx, "SELECT "+r.selected("")+" FROM "+r.Table+condition, a.list...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := r.scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, rec)
	}
	return list, rows.Err()
}

// scan reads a row with the columns of selected, and further ones behind these. NULL becomes the zero value of a field.
func (r *sqlRows[T]) scan(rows Rows, further ...any) (*Record[T], error) {
	rec := &Record[T]{}
	var created any
	to := []any{&rec.ID, &rec.Rest, &created}
	v := reflect.ValueOf(&rec.Value).Elem()
	holders := make([]reflect.Value, len(r.fields))
	for i, index := range r.fields {
		holders[i] = reflect.New(reflect.PointerTo(v.FieldByIndex(index).Type()))
		to = append(to, holders[i].Interface())
	}
	if err := rows.Scan(append(to, further...)...); err != nil {
		return nil, err
	}
	for i, index := range r.fields {
		if p := holders[i].Elem(); !p.IsNil() {
			v.FieldByIndex(index).Set(p.Elem())
		}
	}
	rec.Created = timeOf(created)
	return rec, nil
}

// timeOf converts a time that a driver returned.
func timeOf(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Truncate(time.Microsecond)
	case []byte:
		return timeOf(string(v))
	case int64:
		return time.Unix(v, 0).UTC()
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999", time.DateOnly} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC().Truncate(time.Microsecond)
			}
		}
	}
	return time.Time{}
}
