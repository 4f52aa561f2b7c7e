-- name: CreateEmployee :exec
INSERT INTO employees (tenant, id, email, name, active, login, rest) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: UpdateEmployee :execrows
UPDATE employees SET email = ?, name = ?, active = ?, login = ?, rest = ? WHERE tenant = ? AND id = ?;

-- name: DeleteEmployee :execrows
DELETE FROM employees WHERE tenant = ? AND id = ?;

-- name: GetEmployee :one
SELECT * FROM employees WHERE tenant = ? AND id = ?;

-- name: FindEmployees :many
SELECT * FROM employees WHERE tenant = ? AND login = ?;

-- name: ListEmployees :many
SELECT * FROM employees WHERE tenant = ? AND id > sqlc.arg(after) ORDER BY id LIMIT sqlc.arg(most);
