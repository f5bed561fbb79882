package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

type object = map[string]any

// openAPI describes all of this to programs (OpenAPI 3.1), from the tables that answers are made by. It tells nothing of files.
func (h *Handler) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h.description()) // the client may have left
}

func (h *Handler) description() object {
	paths := object{
		"/v1/data": object{
			"get": operation("data", "Rows of a dataset. Values of a condition's variables are parameters vars.NAME.", parametersOf(ofData, true), rows()),
			"post": object{"operationId": "postData", "summary": "Rows of a dataset, for what an address cannot say.", "parameters": ownParameters(),
				"requestBody": object{"required": true, "content": object{"application/json": object{"schema": schemaOf(ofData)}}}, "responses": rows()},
		},
		"/healthz": object{"get": operation("health", "Whether new requests are answered.", nil, object{"200": object{"description": "They are."}, "default": object{"$ref": "#/components/responses/problem"}})},
	}
	for _, a := range acts {
		paths["/v1/"+a.name] = object{"get": operation(a.name, a.about, parametersOf(a.parameters, false), answersOf(a))}
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "mtflight", "version": h.version, "description": "HDF5 files as Arrow, Parquet, CSV and JSON.", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"paths":   paths, "components": components(), "security": []object{{}, {"bearer": []string{}}},
	}
}

func components() object {
	problem := object{"type": "object", "required": []string{"error"}, "properties": object{"error": object{"type": "object",
		"required": []string{"code", "message"}, "properties": object{"code": object{"type": "string"}, "message": object{"type": "string"}}}}}
	return object{
		"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}},
		"responses":       object{"problem": object{"description": "What is wrong, and what to do.", "content": object{"application/json": object{"schema": problem}}}},
	}
}

func operation(id, summary string, parameters []object, responses object) object {
	o := object{"operationId": id, "summary": summary, "responses": responses}
	if len(parameters) > 0 {
		o["parameters"] = parameters
	}
	return o
}

func answersOf(a act) object {
	kind := "object"
	if a.many {
		kind = "array"
	}
	return object{
		"200":     object{"description": "The answer.", "content": object{"application/json": object{"schema": object{"type": kind}}}},
		"default": object{"$ref": "#/components/responses/problem"},
	}
}

func rows() object {
	content := object{}
	for _, f := range formats {
		content[f.media[0]] = object{}
	}
	return object{
		"200":     object{"description": "The rows. Where the trailer " + outcome + " is missing the answer is cut off.", "content": content},
		"206":     object{"description": "A part of a Parquet file.", "content": object{"application/vnd.apache.parquet": object{}}},
		"304":     object{"description": "What the client has is what there is."},
		"default": object{"$ref": "#/components/responses/problem"},
	}
}

// parametersOf leaves out those whose name is open.
func parametersOf(all []parameter, data bool) (out []object) {
	for _, p := range all {
		if p.kind != scalars {
			out = append(out, object{"name": p.name, "in": "query", "description": p.about, "required": p.must, "schema": p.schema()})
		}
	}
	if data {
		out = append(out, ownParameters()...)
	}
	return out
}

func ownParameters() []object {
	var names, codecs []string
	seen := map[string]bool{}
	for _, f := range formats {
		names = append(names, f.name)
		for _, c := range f.codecs {
			if !seen[c] {
				codecs, seen[c] = append(codecs, c), true
			}
		}
	}
	return []object{
		{"name": own[0], "in": "query", "description": "how rows are written; by default as the header Accept says", "schema": object{"type": "string", "enum": names}},
		{"name": own[1], "in": "query", "description": "of the format: lz4 or zstd of arrow, others of parquet", "schema": object{"type": "string", "enum": codecs}},
		{"name": own[2], "in": "query", "description": "bytes of the answer at most: more is 413, or a broken connection where it begins before that is known", "schema": object{"type": "integer", "minimum": 1}},
	}
}

var schemas = map[kind]object{
	text: {"type": "string"}, whole: {"type": "integer"}, truth: {"type": "boolean"}, texts: {"type": "array", "items": object{"type": "string"}},
	wholes: {"type": "array", "items": object{"type": "integer"}}, either: {"type": []string{"boolean", "string"}},
	scalars: {"type": "object", "additionalProperties": object{"type": []string{"number", "boolean", "string"}}},
}

func (p parameter) schema() object { return schemas[p.kind] }

// schemaOf is a request as JSON.
func schemaOf(all []parameter) object {
	members := object{}
	for _, p := range all {
		outer, inner, nested := strings.Cut(p.name, ".")
		switch {
		case nested && inner != "":
			if members[outer] == nil {
				members[outer] = object{"type": "object", "properties": object{}, "additionalProperties": false}
			}
			members[outer].(object)["properties"].(object)[inner] = p.schema()
		default:
			members[outer] = p.schema()
		}
	}
	return object{"type": "object", "properties": members, "required": []string{"file"}, "additionalProperties": false}
}
