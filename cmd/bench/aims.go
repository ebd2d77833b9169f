package main

// aims are what the project wants on an architecture, as texts of the table.
type aims struct {
	pvgrub bool // there is a PvGRUB to compare with

	menu, user, rate string // beside PvGRUB, or else beside nothing or direct boot
	userApart        string // beside direct boot, reading apart
	linux            string // of Linux's own rate
	added            string
	memory           string
}

var aimsOf = map[string]*aims{
	"amd64": {pvgrub: true, menu: "<= 0.5", user: "<= 0.4", rate: ">= 15",
		linux: ">= 0.5", added: "<= 0.5", memory: "<= 24"},
	"arm64": {menu: "<= 1 s", userApart: "<= 1.15", linux: ">= 0.8", added: "<= 0.5", memory: "<= 24"},
}
