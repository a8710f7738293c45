package stripe

import "maps"

func (s *Server) createCustomer(c *call) (any, *refusal) {
	o := object{"id": newID("cus_", 14), "object": "customer", "address": nil, "balance": int64(0), "created": s.now().Unix(), "currency": nil, "default_source": nil,
		"delinquent": false, "description": nil, "discount": nil, "email": nil, "invoice_prefix": newID("", 8),
		"invoice_settings": map[string]any{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil}, "livemode": false,
		"metadata": map[string]any{}, "name": nil, "next_invoice_sequence": int64(1), "phone": nil, "preferred_locales": []any{}, "shipping": nil, "tax_exempt": "none", "test_clock": nil}
	if refused := s.fill(c, o); refused != nil {
		return nil, refused
	}
	c.book.put(o)
	s.emit(c.book, c, "customer.created", o, nil)
	return o, nil
}

// fill sets the members of a customer that a call names.
func (s *Server) fill(c *call, o object) *refusal {
	changes := object{}
	for name := range c.params {
		switch name {
		case "metadata":
			changes[name] = metadata(o[name], c.params)
		case "address", "description", "email", "name", "phone", "shipping":
			changes[name] = c.orNull(name)
		case "preferred_locales", "tax_exempt":
			changes[name] = c.params[name]
		case "expand":
		default:
			return unplayed("the " + name + " of a customer")
		}
	}
	maps.Copy(o, changes)
	return nil
}

// customer gives a customer that has not been deleted.
func (c *call) customer(id, param string) (object, *refusal) {
	if o := c.book.get("customer", id); o != nil && !o.is("deleted") {
		return o, nil
	}
	return nil, missing("customer", id, param)
}

func (s *Server) updateCustomer(c *call) (any, *refusal) {
	o, refused := c.customer(c.values["customer"], "id")
	if refused != nil {
		return nil, refused
	}
	before := o.snapshot()
	if refused := s.fill(c, o); refused != nil {
		return nil, refused
	}
	s.emit(c.book, c, "customer.updated", o, before)
	return o, nil
}

// deleteCustomer leaves nothing of a customer but the id.
func (s *Server) deleteCustomer(c *call) (any, *refusal) {
	o, refused := c.customer(c.values["customer"], "id")
	if refused != nil {
		return nil, refused
	}
	s.emit(c.book, c, "customer.deleted", o, nil)
	id := o.id()
	clear(o)
	o["id"], o["object"], o["deleted"] = id, "customer", true
	return o, nil
}
