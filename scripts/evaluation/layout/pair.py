import subprocess,sys
def nm(f): return {l.split()[3]:(int(l.split()[0],16),int(l.split()[1],16)) for l in subprocess.run(['nm','-S','--defined-only',f],capture_output=True,text=True).stdout.splitlines() if len(l.split())==4 and l.split()[2] in 'tTwW'}
a,b=nm(sys.argv[1]),nm(sys.argv[2])
for n in a:
    if 'subjects' in n and n in b and a[n][0]%4096!=b[n][0]%4096: print(n,hex(a[n][0]),hex(b[n][0]),a[n][1],b[n][1])
