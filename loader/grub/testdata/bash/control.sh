if true; then echo 1; fi
if false; then echo 2; else echo 3; fi
if false; then echo 4; elif true; then echo 5; else echo 6; fi
if [ a = a ]; then
	echo 7
fi
if [ a != a ]; then echo 8
elif [ a = b ]; then echo 9
else
	echo 10
fi
for i in a b "c d" 'e'; do echo "$i"; done
for i in 1 2 3; do for j in x y; do echo $i$j; done; done
list="l1 l2   l3"
for i in $list; do echo "<$i>"; done
for i in "$list"; do echo "<$i>"; done
x=
while [ "$x" != aaa ]; do x=a$x; echo $x; done
until [ "$x" = "" ]; do x=; echo reset; done
for i in 1 2 3 4 5; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done
for i in 1 2; do for j in 1 2 3; do if [ $j = 2 ]; then continue 2; fi; echo $i $j; done; done
for i in 1 2; do for j in 1 2 3; do if [ $j = 2 ]; then break 2; fi; echo $i $j; done; done
while true; do echo once; break; done
! false; echo $?
if ! true; then echo 11; else echo 12; fi
if test -n x -a -z ""; then echo 13; fi
test a = b; echo $?
test 3 -gt 2; echo $?
if [ 1 -eq 1 ]; then if [ 2 -eq 3 ]; then echo 14; else if true; then echo 15; fi; fi; fi
if false
then
	echo 16

elif true

then

	echo 17

fi
for i in if then fi do done; do echo $i; done
true; echo $?; false; echo $?
