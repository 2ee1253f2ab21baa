import subprocess,random,json,os,shutil,time,sys
exes=[f'plain-{i}' for i in range(5)]+[f'pin-{i}' for i in range(5)]
end=time.time()+float(sys.argv[1])
out=open('/tmp/bg/exp/layout.jsonl','a')
r=0
while time.time()<end:
    order=exes[:]; random.shuffle(order)
    for e in order:
        home='/tmp/bg/exp/home'; shutil.rmtree(home,ignore_errors=True)
        env=dict(os.environ,CRITERION_HOME=home,PADDING='x'*random.randrange(4096))
        subprocess.run([f'/tmp/bg/exp/{e}','--bench','--noplot','--warm-up-time','0.03','--measurement-time','0.06','--sample-size','20','--nresamples','1000'],env=env,stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL,check=True)
        t={}
        for b in os.listdir(home):
            p=f'{home}/{b}/new/sample.json'
            if os.path.exists(p):
                j=json.load(open(p)); v=sorted(x/n for x,n in zip(j['times'],j['iters'])); t[b]=v[len(v)//2]
        out.write(json.dumps({'round':r,'exe':e,'t':t})+'\n')
    out.flush(); r+=1
