import json,collections,math,statistics as st
R=collections.defaultdict(dict)
k=0;last=None
for l in open('/tmp/bg/exp/layout.jsonl'):
    j=json.loads(l); R[j['round']][j['exe']]=j['t']
def hl(d):
    return st.median((d[i]+d[j])/2 for i in range(len(d)) for j in range(i,len(d)))
print(len(R),'rounds')
for b in sorted(next(iter(R.values()))['plain-0']):
    row=[]
    for fam in('plain','pin'):
        for i in range(1,5):
            d=[math.log(r[f'{fam}-{i}'][b]/r[f'{fam}-0'][b]) for r in R.values() if len(r)==10]
            row.append(f'{100*hl(d):+6.1f}')
        row.append('|')
    print(f'{b:10}',' '.join(row))
