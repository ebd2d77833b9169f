package main

// aims are what the project wants on an architecture, as the table's texts.
type aims struct {
	pvgrub bool // there is a PvGRUB to compare with

	menu, user, userApart, rate string
	linux                       string // of Linux's own rate
	added, memory               string
}

var aimsOf = map[string]*aims{
	"amd64": {pvgrub: true, menu: "PvGRUB <= 0.5", user: "PvGRUB <= 0.4", rate: "PvGRUB >= 15",
		linux: ">= 0.5", added: "<= 0.5", memory: "<= 24"},
	"arm64": {menu: "<= 1 s", userApart: "direct <= 1.15", linux: ">= 0.8", added: "<= 0.5", memory: "<= 24"},
}
