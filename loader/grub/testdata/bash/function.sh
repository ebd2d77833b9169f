function f { echo f; }
f
function g
{
	echo "$#" "$1" "$2"
}
g a "b c"
g
function h { for i in "$@"; do echo "<$i>"; done; }
h 1 "2 3" ''
function k { for i in $@; do echo "<$i>"; done; }
k 1 "2 3" 4
function s { echo "$*"; }
s a "b  c" d
function r { if [ "$1" = x ]; then return 1; fi; return 0; }
r x; echo $?
r y; echo $?
if r y; then echo yes; fi
if r x; then echo no; else echo else; fi
function sh { shift; echo $1 $#; shift 2; echo $1 $#; }
sh a b c d
function n { g "$1" inner; echo $1; }
n outer
function f { echo second; }
f
function lp { while true; do return 3; done; }
lp; echo $?
function rec { if [ "$1" = aaaa ]; then echo end; else rec a$1; fi; }
rec a
function last { false; }
last; echo $?
echo ${10}.
function ten { echo ${10} ${11}; }
ten a b c d e f g h i j k
