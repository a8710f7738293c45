package e2e_test

import (
	"pixeltrack.io/platform/infra/journey"
)

func (c *caller) invoiceBody() map[string]any {
	return map[string]any{"client_id": c.newClient(), "po_number": "PO-" + unique(), "recipient": map[string]any{"name": "Example Bakery", "email": "office@example.com"},
		"lines": []map[string]any{{"description": "Sketches", "quantity": "1.5", "unit": "h", "unit_price": eur(9000), "taxes": []map[string]any{{"name": "VAT", "rate": "19"}}}}}
}

func eur(amount int) map[string]any { return map[string]any{"amount": amount, "currency": "EUR"} }

func (c *caller) newInvoice() string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/invoices", Body: c.invoiceBody()}).Text("id")
}

func invoiceSteps() []step {
	invoice := func(operation, method string, status int, body any) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			path := "/v1/invoices/" + p.newInvoice()
			c := journey.Call{Method: method, Path: path, Body: body}
			if method != "GET" {
				c.IfMatch = p.etag(path)
			}
			return c
		}, again: []int{404, 412}}
	}
	return []step{
		{operation: "create-invoice", status: 201, prepare: func(p *caller) journey.Call {
			body := p.invoiceBody()
			p.mark = body["po_number"].(string)
			return journey.Call{Method: "POST", Path: "/v1/invoices", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/invoices?limit=200" })},
		invoice("get-invoice", "GET", 200, nil),
		invoice("update-invoice", "PATCH", 200, map[string]any{"notes": "Thank you.", "lines": []map[string]any{{"description": "Sketches", "unit_price": eur(9000)}}}),
		invoice("delete-invoice", "DELETE", 204, nil),
	}
}
