import subprocess,sys
def syms(f):
    out={}
    dup=set()
    for l in subprocess.run(['nm','-S','-n','--defined-only',f],capture_output=True,text=True).stdout.splitlines():
        p=l.split()
        if len(p)==4 and p[2] in 'tTwW':
            if p[3] in out: dup.add(p[3])
            out[p[3]]=(int(p[0],16),int(p[1],16))
    return out,dup
a,da=syms(sys.argv[1]); b,db=syms(sys.argv[2])
same=[n for n in a if n in b and a[n][1]==b[n][1] and n not in da and n not in db]
print(len(a),len(b),len(same),file=sys.stderr)
if len(sys.argv)>3:
    open(sys.argv[3],'w').write('\n'.join(same)+'\n')
else:
    eq=sum(1 for n in a if n in b and a[n][0]==b[n][0]); al=sum(1 for n in a if n in b and a[n][0]%4096==b[n][0]%4096)
    print('same address',eq,'same page offset',al,'of',len(a))
