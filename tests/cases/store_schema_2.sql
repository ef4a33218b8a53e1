PRAGMA application_id = 1296649810;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE claims (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    sentence TEXT NOT NULL,
    spans TEXT NOT NULL,                -- [[start, end, text], ...] of every sentence used
    rule TEXT NOT NULL,
    genes TEXT NOT NULL,
    fusion TEXT, variant TEXT, alteration TEXT,
    therapies TEXT NOT NULL,
    disease_curie TEXT, disease TEXT,
    significance TEXT,
    direction TEXT NOT NULL,
    polarity TEXT NOT NULL,
    population_n INTEGER,
    figures TEXT NOT NULL,
    background INTEGER NOT NULL,
    confidence REAL NOT NULL,
    warnings TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "claims" VALUES('900001',0,'sensitivity_response',60,125,'An earlier series gave a response rate of 57% with larotrectinib.','[[60,125,"An earlier series gave a response rate of 57% with larotrectinib."]]','test','["NTRK3"]','ETV6::NTRK3',NULL,NULL,'["larotrectinib"]','doid:0080770','secretory carcinoma',NULL,'supports','asserted',NULL,'{"ORR_percent":57}',1,0.9,'[]');
INSERT INTO "claims" VALUES('900001',1,'sensitivity_response',126,208,'Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90).','[[126,208,"Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90)."]]','test','["NTRK3"]','ETV6::NTRK3',NULL,NULL,'["larotrectinib"]','doid:0080770','secretory carcinoma',NULL,'supports','asserted',24,'{"ORR_percent":75,"n_resp":18,"N":24}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900001',2,'sensitivity_response',209,236,'Median PFS was 28.3 months.','[[209,236,"Median PFS was 28.3 months."],[126,208,"Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90)."]]','test','["NTRK3"]','ETV6::NTRK3',NULL,NULL,'["larotrectinib"]','doid:0080770','secretory carcinoma',NULL,'supports','asserted',NULL,'{"PFS_months":28.3}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900001',3,'sensitivity_response',237,273,'No response was seen in lung cancer.','[[237,273,"No response was seen in lung cancer."]]','test','["NTRK3"]','ETV6::NTRK3',NULL,NULL,'["larotrectinib"]','doid:3908','lung non-small cell carcinoma',NULL,'does_not_support','negated',NULL,'{}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900002',0,'resistance_on_target',29,79,'NTRK1 G595R made cells resistant to larotrectinib.','[[29,79,"NTRK1 G595R made cells resistant to larotrectinib."]]','test','["NTRK1"]',NULL,'NTRK1 G595R',NULL,'["larotrectinib"]','doid:162','cancer','Resistance','supports','asserted',NULL,'{}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900002',1,'overcomes_resistance',80,126,'Selitrectinib kept its activity against G595R.','[[80,126,"Selitrectinib kept its activity against G595R."]]','test','["NTRK1"]',NULL,'NTRK1 G595R',NULL,'["selitrectinib"]','doid:162','cancer',NULL,'supports','asserted',NULL,'{}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900002',2,'resistance_off_target',127,160,'MET amplification may bypass TRK.','[[127,160,"MET amplification may bypass TRK."]]','test','["MET"]',NULL,NULL,'amplification','["TRK inhibitors"]','doid:162','cancer',NULL,'supports','hedged',NULL,'{}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900003',0,'prevalence',37,94,'NTRK fusions were found in 4 of 2000 lung cancers (0.2%).','[[37,94,"NTRK fusions were found in 4 of 2000 lung cancers (0.2%)."]]','test','["NTRK1","NTRK2","NTRK3"]',NULL,NULL,'fusion','[]','doid:3908','lung non-small cell carcinoma',NULL,'supports','asserted',2000,'{"value_percent":0.2,"n_pos":4,"N":2000}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900003',1,'mutual_exclusivity',95,129,'None had an EGFR or KRAS mutation.','[[95,129,"None had an EGFR or KRAS mutation."]]','test','["NTRK","EGFR","KRAS"]',NULL,NULL,NULL,'[]','doid:3908','lung non-small cell carcinoma',NULL,'supports','asserted',NULL,'{}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900003',2,'detection_method',130,163,'DNA sequencing missed one fusion.','[[130,163,"DNA sequencing missed one fusion."]]','test','["NTRK1","NTRK2","NTRK3"]',NULL,NULL,'fusion','[]','doid:3908','lung non-small cell carcinoma',NULL,'does_not_support','asserted',NULL,'{"method":"DNA NGS"}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900003',3,'sensitivity_response',164,250,'Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib.','[[164,250,"Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib."]]','test','["NTRK3"]','ETV6::NTRK3',NULL,NULL,'["larotrectinib"]','doid:0080770','secretory carcinoma',NULL,'supports','asserted',5,'{"n_resp":3,"N":5}',0,0.5,'[]');
INSERT INTO "claims" VALUES('900003',4,'immunotherapy_outcome',251,318,'Neither of two patients with an NTRK fusion responded to nivolumab.','[[251,318,"Neither of two patients with an NTRK fusion responded to nivolumab."]]','test','["NTRK1","NTRK2","NTRK3"]',NULL,NULL,'fusion','["nivolumab"]','doid:3908','lung non-small cell carcinoma',NULL,'does_not_support','negated',2,'{"n_resp":0,"N":2}',0,0.5,'[]');
CREATE TABLE evidence (
    key TEXT NOT NULL,
    pmid TEXT NOT NULL REFERENCES records(pmid),
    claim_type TEXT NOT NULL,
    type_rank INTEGER NOT NULL,
    evidence_type TEXT NOT NULL,
    molecular_profile TEXT NOT NULL,
    genes TEXT NOT NULL,
    disease TEXT,
    disease_key TEXT NOT NULL,
    therapies TEXT NOT NULL,
    therapy_interaction_type TEXT,
    significance TEXT NOT NULL,
    direction TEXT NOT NULL,
    polarity TEXT NOT NULL,
    level TEXT NOT NULL,
    study_type TEXT NOT NULL,
    statement TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    figures TEXT NOT NULL,
    warnings TEXT NOT NULL,
    n_patients INTEGER,
    background INTEGER NOT NULL,
    sentence TEXT NOT NULL,
    PRIMARY KEY (key, pmid)
) STRICT, WITHOUT ROWID;
INSERT INTO "evidence" VALUES('v1:16a0386baef02b2956c2','900002','overcomes_resistance',9,'Predictive','NTRK1 G595R','["NTRK1"]','cancer','doid:162','["selitrectinib"]',NULL,'Sensitivity/Response','supports','asserted','D','preclinical','Resistant cancer with NTRK1 G595R responds to selitrectinib','PubMed','submitted','{}','[]',NULL,0,'Selitrectinib kept its activity against G595R.');
INSERT INTO "evidence" VALUES('v1:18ff570ba4039c82ccda','900002','resistance_on_target',7,'Predictive','NTRK1 G595R','["NTRK1"]','cancer','doid:162','["larotrectinib"]',NULL,'Resistance','supports','asserted','D','preclinical','NTRK1 G595R confers on-target resistance to larotrectinib in cancer','PubMed','submitted','{}','[]',NULL,0,'NTRK1 G595R made cells resistant to larotrectinib.');
INSERT INTO "evidence" VALUES('v1:2d625bd2d38c574655c7','900003','immunotherapy_outcome',12,'Predictive','NTRK Fusion','["NTRK1","NTRK2","NTRK3"]','lung non-small cell carcinoma','doid:3908','["nivolumab"]',NULL,'Sensitivity/Response','does_not_support','negated','B','retrospective_cohort','Lung non-small cell carcinoma with NTRK Fusion did not respond to nivolumab: 0 of 2 responded','PubMed','submitted','{"n_resp":0,"N":2}','[]',2,0,'Neither of two patients with an NTRK fusion responded to nivolumab.');
INSERT INTO "evidence" VALUES('v1:3a76796b6e39cb201b54','900003','mutual_exclusivity',3,'Oncogenic','EGFR AND KRAS AND NTRK','["EGFR","KRAS","NTRK"]','lung non-small cell carcinoma','doid:3908','[]',NULL,'N/A','supports','asserted','B','retrospective_cohort','Mutually exclusive in lung non-small cell carcinoma: EGFR AND KRAS AND NTRK','PubMed','submitted','{}','[]',NULL,0,'None had an EGFR or KRAS mutation.');
INSERT INTO "evidence" VALUES('v1:67f422aa1406763d318a','900002','resistance_off_target',8,'Predictive','MET Amplification','["MET"]','cancer','doid:162','["TRK inhibitors"]',NULL,'Resistance','supports','hedged','D','preclinical','MET Amplification may confer off-target resistance to TRK inhibitors in cancer','PubMed','submitted','{}','[]',NULL,0,'MET amplification may bypass TRK.');
INSERT INTO "evidence" VALUES('v1:6f7d57795d30991d6fc3','900001','sensitivity_response',6,'Predictive','ETV6::NTRK3','["ETV6","NTRK3"]','secretory carcinoma','doid:0080770','["larotrectinib"]',NULL,'Sensitivity/Response','supports','asserted','B','trial','Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: ORR 75 % (18/24; 95 % CI 53–90), median PFS 28.3 months','PubMed','submitted','{"ORR_percent":75,"ORR_percent_ci":"53-90","n_resp":18,"N":24,"PFS_months":28.3}','[]',24,0,'Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90).');
INSERT INTO "evidence" VALUES('v1:6f7d57795d30991d6fc3','900003','sensitivity_response',6,'Predictive','ETV6::NTRK3','["ETV6","NTRK3"]','secretory carcinoma','doid:0080770','["larotrectinib"]',NULL,'Sensitivity/Response','supports','asserted','B','retrospective_cohort','Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: 3 of 5 responded','PubMed','submitted','{"n_resp":3,"N":5}','[]',5,0,'Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib.');
INSERT INTO "evidence" VALUES('v1:9ca8f2feabdc705cbe5a','900003','prevalence',1,'Diagnostic','NTRK Fusion','["NTRK1","NTRK2","NTRK3"]','lung non-small cell carcinoma','doid:3908','[]',NULL,'N/A','supports','asserted','B','retrospective_cohort','NTRK Fusion is found in lung non-small cell carcinoma: 0.2 % (4/2,000)','PubMed','submitted','{"N":2000,"value_percent":0.2,"n_pos":4}','[]',2000,0,'NTRK fusions were found in 4 of 2000 lung cancers (0.2%).');
INSERT INTO "evidence" VALUES('v1:9df07e3c2923dc3efa4e','900003','detection_method',5,'Diagnostic','NTRK Fusion','["NTRK1","NTRK2","NTRK3"]','lung non-small cell carcinoma','doid:3908','[]',NULL,'Positive','does_not_support','asserted','B','retrospective_cohort','DNA NGS does not reliably detect NTRK Fusion in lung non-small cell carcinoma','PubMed','submitted','{"method":"DNA NGS"}','[]',NULL,0,'DNA sequencing missed one fusion.');
INSERT INTO "evidence" VALUES('v1:d8d35eae60cd78843187','900001','sensitivity_response',6,'Predictive','ETV6::NTRK3','["ETV6","NTRK3"]','lung non-small cell carcinoma','doid:3908','["larotrectinib"]',NULL,'Sensitivity/Response','does_not_support','negated','B','trial','Lung non-small cell carcinoma with ETV6::NTRK3 did not respond to larotrectinib','PubMed','submitted','{}','[]',NULL,0,'No response was seen in lung cancer.');
CREATE TABLE evidence_changes (         -- what a run did to the table, and why
    run_id INTEGER NOT NULL REFERENCES runs(id),
    pmid TEXT NOT NULL,
    key TEXT NOT NULL,
    change TEXT NOT NULL,               -- new, changed, gone
    cause TEXT NOT NULL,                -- new paper, revised abstract, retraction ..., rules, or a reason given
    statement TEXT NOT NULL,
    PRIMARY KEY (run_id, pmid, key, change)
) STRICT, WITHOUT ROWID;
INSERT INTO "evidence_changes" VALUES(1,'900001','v1:6f7d57795d30991d6fc3','new','new paper','Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: ORR 75 % (18/24; 95 % CI 53–90), median PFS 28.3 months');
INSERT INTO "evidence_changes" VALUES(1,'900001','v1:d8d35eae60cd78843187','new','new paper','Lung non-small cell carcinoma with ETV6::NTRK3 did not respond to larotrectinib');
INSERT INTO "evidence_changes" VALUES(1,'900002','v1:16a0386baef02b2956c2','new','new paper','Resistant cancer with NTRK1 G595R responds to selitrectinib');
INSERT INTO "evidence_changes" VALUES(1,'900002','v1:18ff570ba4039c82ccda','new','new paper','NTRK1 G595R confers on-target resistance to larotrectinib in cancer');
INSERT INTO "evidence_changes" VALUES(1,'900002','v1:67f422aa1406763d318a','new','new paper','MET Amplification may confer off-target resistance to TRK inhibitors in cancer');
INSERT INTO "evidence_changes" VALUES(1,'900003','v1:2d625bd2d38c574655c7','new','new paper','Lung non-small cell carcinoma with NTRK Fusion did not respond to nivolumab: 0 of 2 responded');
INSERT INTO "evidence_changes" VALUES(1,'900003','v1:3a76796b6e39cb201b54','new','new paper','Mutually exclusive in lung non-small cell carcinoma: EGFR AND KRAS AND NTRK');
INSERT INTO "evidence_changes" VALUES(1,'900003','v1:6f7d57795d30991d6fc3','new','new paper','Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: 3 of 5 responded');
INSERT INTO "evidence_changes" VALUES(1,'900003','v1:9ca8f2feabdc705cbe5a','new','new paper','NTRK Fusion is found in lung non-small cell carcinoma: 0.2 % (4/2,000)');
INSERT INTO "evidence_changes" VALUES(1,'900003','v1:9df07e3c2923dc3efa4e','new','new paper','DNA NGS does not reliably detect NTRK Fusion in lung non-small cell carcinoma');
CREATE TABLE evidence_claims (
    key TEXT NOT NULL,
    pmid TEXT NOT NULL,
    rank INTEGER NOT NULL,
    claim_seq INTEGER NOT NULL,
    PRIMARY KEY (key, pmid, rank),
    FOREIGN KEY (key, pmid) REFERENCES evidence(key, pmid) ON DELETE CASCADE,
    FOREIGN KEY (pmid, claim_seq) REFERENCES claims(pmid, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "evidence_claims" VALUES('v1:16a0386baef02b2956c2','900002',0,1);
INSERT INTO "evidence_claims" VALUES('v1:18ff570ba4039c82ccda','900002',0,0);
INSERT INTO "evidence_claims" VALUES('v1:2d625bd2d38c574655c7','900003',0,4);
INSERT INTO "evidence_claims" VALUES('v1:3a76796b6e39cb201b54','900003',0,1);
INSERT INTO "evidence_claims" VALUES('v1:67f422aa1406763d318a','900002',0,2);
INSERT INTO "evidence_claims" VALUES('v1:6f7d57795d30991d6fc3','900001',0,1);
INSERT INTO "evidence_claims" VALUES('v1:6f7d57795d30991d6fc3','900001',1,2);
INSERT INTO "evidence_claims" VALUES('v1:6f7d57795d30991d6fc3','900001',2,0);
INSERT INTO "evidence_claims" VALUES('v1:6f7d57795d30991d6fc3','900003',0,3);
INSERT INTO "evidence_claims" VALUES('v1:9ca8f2feabdc705cbe5a','900003',0,0);
INSERT INTO "evidence_claims" VALUES('v1:9df07e3c2923dc3efa4e','900003',0,2);
INSERT INTO "evidence_claims" VALUES('v1:d8d35eae60cd78843187','900001',0,3);
CREATE TABLE evidence_facets (
    facet INTEGER NOT NULL REFERENCES facets(id),
    key TEXT NOT NULL,
    pmid TEXT NOT NULL,
    PRIMARY KEY (facet, key, pmid),
    FOREIGN KEY (key, pmid) REFERENCES evidence(key, pmid) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "evidence_facets" VALUES(8,'v1:16a0386baef02b2956c2','900002');
INSERT INTO "evidence_facets" VALUES(9,'v1:16a0386baef02b2956c2','900002');
INSERT INTO "evidence_facets" VALUES(10,'v1:16a0386baef02b2956c2','900002');
INSERT INTO "evidence_facets" VALUES(13,'v1:16a0386baef02b2956c2','900002');
INSERT INTO "evidence_facets" VALUES(3,'v1:18ff570ba4039c82ccda','900002');
INSERT INTO "evidence_facets" VALUES(8,'v1:18ff570ba4039c82ccda','900002');
INSERT INTO "evidence_facets" VALUES(9,'v1:18ff570ba4039c82ccda','900002');
INSERT INTO "evidence_facets" VALUES(10,'v1:18ff570ba4039c82ccda','900002');
INSERT INTO "evidence_facets" VALUES(5,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(6,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(7,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(10,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(14,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(18,'v1:2d625bd2d38c574655c7','900003');
INSERT INTO "evidence_facets" VALUES(6,'v1:3a76796b6e39cb201b54','900003');
INSERT INTO "evidence_facets" VALUES(7,'v1:3a76796b6e39cb201b54','900003');
INSERT INTO "evidence_facets" VALUES(15,'v1:3a76796b6e39cb201b54','900003');
INSERT INTO "evidence_facets" VALUES(16,'v1:3a76796b6e39cb201b54','900003');
INSERT INTO "evidence_facets" VALUES(17,'v1:3a76796b6e39cb201b54','900003');
INSERT INTO "evidence_facets" VALUES(8,'v1:67f422aa1406763d318a','900002');
INSERT INTO "evidence_facets" VALUES(9,'v1:67f422aa1406763d318a','900002');
INSERT INTO "evidence_facets" VALUES(11,'v1:67f422aa1406763d318a','900002');
INSERT INTO "evidence_facets" VALUES(12,'v1:67f422aa1406763d318a','900002');
INSERT INTO "evidence_facets" VALUES(1,'v1:6f7d57795d30991d6fc3','900001');
INSERT INTO "evidence_facets" VALUES(2,'v1:6f7d57795d30991d6fc3','900001');
INSERT INTO "evidence_facets" VALUES(3,'v1:6f7d57795d30991d6fc3','900001');
INSERT INTO "evidence_facets" VALUES(4,'v1:6f7d57795d30991d6fc3','900001');
INSERT INTO "evidence_facets" VALUES(5,'v1:6f7d57795d30991d6fc3','900001');
INSERT INTO "evidence_facets" VALUES(1,'v1:6f7d57795d30991d6fc3','900003');
INSERT INTO "evidence_facets" VALUES(2,'v1:6f7d57795d30991d6fc3','900003');
INSERT INTO "evidence_facets" VALUES(3,'v1:6f7d57795d30991d6fc3','900003');
INSERT INTO "evidence_facets" VALUES(4,'v1:6f7d57795d30991d6fc3','900003');
INSERT INTO "evidence_facets" VALUES(5,'v1:6f7d57795d30991d6fc3','900003');
INSERT INTO "evidence_facets" VALUES(5,'v1:9ca8f2feabdc705cbe5a','900003');
INSERT INTO "evidence_facets" VALUES(6,'v1:9ca8f2feabdc705cbe5a','900003');
INSERT INTO "evidence_facets" VALUES(7,'v1:9ca8f2feabdc705cbe5a','900003');
INSERT INTO "evidence_facets" VALUES(10,'v1:9ca8f2feabdc705cbe5a','900003');
INSERT INTO "evidence_facets" VALUES(14,'v1:9ca8f2feabdc705cbe5a','900003');
INSERT INTO "evidence_facets" VALUES(5,'v1:9df07e3c2923dc3efa4e','900003');
INSERT INTO "evidence_facets" VALUES(6,'v1:9df07e3c2923dc3efa4e','900003');
INSERT INTO "evidence_facets" VALUES(7,'v1:9df07e3c2923dc3efa4e','900003');
INSERT INTO "evidence_facets" VALUES(10,'v1:9df07e3c2923dc3efa4e','900003');
INSERT INTO "evidence_facets" VALUES(14,'v1:9df07e3c2923dc3efa4e','900003');
INSERT INTO "evidence_facets" VALUES(3,'v1:d8d35eae60cd78843187','900001');
INSERT INTO "evidence_facets" VALUES(4,'v1:d8d35eae60cd78843187','900001');
INSERT INTO "evidence_facets" VALUES(5,'v1:d8d35eae60cd78843187','900001');
INSERT INTO "evidence_facets" VALUES(6,'v1:d8d35eae60cd78843187','900001');
INSERT INTO "evidence_facets" VALUES(7,'v1:d8d35eae60cd78843187','900001');
CREATE TABLE facets (                   -- what evidence can be filtered by: gene, drug, disease
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (kind, value)
) STRICT;
INSERT INTO "facets" VALUES(1,'disease','doid:0080770');
INSERT INTO "facets" VALUES(2,'disease','secretory carcinoma');
INSERT INTO "facets" VALUES(3,'drug','larotrectinib');
INSERT INTO "facets" VALUES(4,'gene','etv6');
INSERT INTO "facets" VALUES(5,'gene','ntrk3');
INSERT INTO "facets" VALUES(6,'disease','doid:3908');
INSERT INTO "facets" VALUES(7,'disease','lung non-small cell carcinoma');
INSERT INTO "facets" VALUES(8,'disease','cancer');
INSERT INTO "facets" VALUES(9,'disease','doid:162');
INSERT INTO "facets" VALUES(10,'gene','ntrk1');
INSERT INTO "facets" VALUES(11,'drug','trk inhibitors');
INSERT INTO "facets" VALUES(12,'gene','met');
INSERT INTO "facets" VALUES(13,'drug','selitrectinib');
INSERT INTO "facets" VALUES(14,'gene','ntrk2');
INSERT INTO "facets" VALUES(15,'gene','egfr');
INSERT INTO "facets" VALUES(16,'gene','kras');
INSERT INTO "facets" VALUES(17,'gene','ntrk');
INSERT INTO "facets" VALUES(18,'drug','nivolumab');
CREATE TABLE mentions (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    label TEXT NOT NULL,
    curie TEXT,
    name TEXT,
    polarity TEXT NOT NULL,
    referent TEXT,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "mentions" VALUES('900001',0,0,13,'Larotrectinib','DRUG','unii:PF9462I9HX','larotrectinib','asserted','{"is":"Concept","curie":"unii:PF9462I9HX","name":"larotrectinib"}');
INSERT INTO "mentions" VALUES('900001',1,17,36,'secretory carcinoma','DISEASE','doid:0080770','secretory carcinoma','asserted','{"is":"Concept","curie":"doid:0080770","name":"secretory carcinoma"}');
INSERT INTO "mentions" VALUES('900001',2,42,52,'ETV6-NTRK3','FUSION',NULL,'ETV6::NTRK3','asserted','{"is":"Fusion","five_prime":"ETV6","three_prime":"NTRK3","detail":"E5;N15"}');
INSERT INTO "mentions" VALUES('900001',3,189,206,'75%; 95% CI 53-90','MEASURE',NULL,NULL,'asserted','{"is":"Measure","metric":"ORR_percent","value":75,"unit":"percent","n":18,"total":24,"ci":[53.0,90.0],"anchor":null,"warnings":[],"item":null}');
INSERT INTO "mentions" VALUES('900002',0,29,40,'NTRK1 G595R','VARIANT',NULL,'NTRK1 G595R','asserted','{"is":"Variant","gene":"NTRK1","protein_change":"G595R"}');
INSERT INTO "mentions" VALUES('900002',1,127,144,'MET amplification','ALTERATION',NULL,'MET amplification','hedged','{"is":"Alteration","gene":"MET","kind":"amplification"}');
INSERT INTO "mentions" VALUES('900003',0,0,12,'NTRK fusions','ALTERATION',NULL,'NTRK fusion','asserted','{"is":"Alteration","gene":"NTRK","kind":"fusion"}');
INSERT INTO "mentions" VALUES('900003',1,192,202,'ETV6-NTRK3','FUSION',NULL,'ETV6::NTRK3','asserted','{"is":"Fusion","five_prime":"ETV6","three_prime":"NTRK3","detail":null}');
CREATE TABLE notices (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE passed_over (              -- what a live search named and did not matter to the topic: other rules may think otherwise
    topic TEXT NOT NULL,
    pmid TEXT NOT NULL,
    source_version TEXT NOT NULL,       -- rules, lexicons and topic that it was read by
    sha256 TEXT NOT NULL,
    version INTEGER NOT NULL,
    revised TEXT NOT NULL,
    run_id INTEGER REFERENCES runs(id),
    record BLOB NOT NULL,
    PRIMARY KEY (topic, pmid)
) STRICT;
CREATE TABLE record_topics (
    topic TEXT NOT NULL,
    pmid TEXT NOT NULL REFERENCES records(pmid),
    run_id INTEGER REFERENCES runs(id),
    PRIMARY KEY (topic, pmid)
) STRICT, WITHOUT ROWID;
INSERT INTO "record_topics" VALUES('ntrk-nsclc','900001',1);
INSERT INTO "record_topics" VALUES('ntrk-nsclc','900002',1);
INSERT INTO "record_topics" VALUES('ntrk-nsclc','900003',1);
CREATE TABLE record_versions (          -- what a record was before it changed
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    sections TEXT NOT NULL,
    text TEXT NOT NULL,
    status TEXT NOT NULL,
    notices TEXT NOT NULL,
    version INTEGER NOT NULL,
    revised TEXT,
    source TEXT NOT NULL,
    fetched_at TEXT NOT NULL,
    replaced_by_run INTEGER REFERENCES runs(id),
    reason TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE records (
    pmid TEXT PRIMARY KEY,             -- the record's own id where it has no PMID
    sha256 TEXT NOT NULL,
    mining_version TEXT NOT NULL,
    content TEXT NOT NULL,             -- digest of what was mined
    id TEXT NOT NULL,
    has_pmid INTEGER NOT NULL,
    title TEXT NOT NULL,
    sections TEXT NOT NULL,
    text TEXT NOT NULL,
    doi TEXT, pmcid TEXT, journal TEXT, pub_date TEXT,
    year INTEGER,
    publication_types TEXT NOT NULL,
    mesh TEXT NOT NULL,
    keywords TEXT NOT NULL,
    authors TEXT NOT NULL,
    nct_ids TEXT NOT NULL,
    language TEXT,
    status TEXT NOT NULL,
    notices TEXT NOT NULL,
    other_abstracts TEXT NOT NULL,
    copyright TEXT,
    version INTEGER NOT NULL,
    revised TEXT,
    source TEXT NOT NULL,
    fetched_at TEXT NOT NULL,
    study_type TEXT NOT NULL,
    evidence_level TEXT NOT NULL,
    first_run INTEGER REFERENCES runs(id),
    last_run INTEGER REFERENCES runs(id)
) STRICT;
INSERT INTO "records" VALUES('900001','b0071795b0c026c0f4b75eca5e2e0ac6c975730b78049489ceb8cec261a5388f','m1','036da00b7ece40d108b337196cae0dd69d5b164573373957c096659c5c361f62','900001',1,'Larotrectinib in secretory carcinoma with ETV6-NTRK3 fusion','[["BACKGROUND","An earlier series gave a response rate of 57% with larotrectinib."],["RESULTS","Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90). Median PFS was 28.3 months. No response was seen in lung cancer."]]','Larotrectinib in secretory carcinoma with ETV6-NTRK3 fusion
An earlier series gave a response rate of 57% with larotrectinib.
Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90). Median PFS was 28.3 months. No response was seen in lung cancer.',NULL,NULL,'Journal of Invented Cases','2021-05',2021,'[]','[]','[]','[]','[]',NULL,'current','[]','[]',NULL,1,NULL,'tests','','trial','B',1,1);
INSERT INTO "records" VALUES('900002','4f4641e4b9c47c4919931a863a0e540d56b77dfbcd5ddd7a5eec275545efab19','m1','fac762c28dfc403684b7e71ce9e1bacc5f58083c158ff185d50420cb97a5939e','900002',1,'Routes around TRK inhibition','[[null,"NTRK1 G595R made cells resistant to larotrectinib. Selitrectinib kept its activity against G595R. MET amplification may bypass TRK."]]','Routes around TRK inhibition
NTRK1 G595R made cells resistant to larotrectinib. Selitrectinib kept its activity against G595R. MET amplification may bypass TRK.',NULL,NULL,'Journal of Invented Cases','2021-05',2021,'[]','[]','[]','[]','[]',NULL,'current','[]','[]',NULL,1,NULL,'tests','','preclinical','D',1,1);
INSERT INTO "records" VALUES('900003','1c5f9059a36e8f5f6e0813843efe8f3d578b56b0d6bd25864b2e3efd2897a18d','m1','19c82f455351249d477edcc8795e43ed9af6f3c9b35b13a174220c8d33e5d963','900003',1,'NTRK fusions in a lung cancer cohort','[[null,"NTRK fusions were found in 4 of 2000 lung cancers (0.2%). None had an EGFR or KRAS mutation. DNA sequencing missed one fusion. Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib. Neither of two patients with an NTRK fusion responded to nivolumab."]]','NTRK fusions in a lung cancer cohort
NTRK fusions were found in 4 of 2000 lung cancers (0.2%). None had an EGFR or KRAS mutation. DNA sequencing missed one fusion. Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib. Neither of two patients with an NTRK fusion responded to nivolumab.',NULL,NULL,'Journal of Invented Cases','2023',2023,'[]','[]','[]','[]','[]',NULL,'current','[]','[]',NULL,1,NULL,'tests','','retrospective_cohort','B',1,1);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    query TEXT,
    versions TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    outcome TEXT,
    counts TEXT NOT NULL DEFAULT '{}',
    watermark_before TEXT,
    watermark_after TEXT
) STRICT;
INSERT INTO "runs" VALUES(1,'ntrk-nsclc','files',NULL,'{"rules":"1"}','2026-01-01T00:00:00Z','2026-01-01T00:01:00Z','done','{"new":3}',NULL,NULL);
CREATE TABLE set_aside (
    run_id INTEGER NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    source TEXT NOT NULL,
    identifier TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE sources_seen (
    topic TEXT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    mining_version TEXT NOT NULL,
    run_id INTEGER REFERENCES runs(id),
    PRIMARY KEY (topic, digest, mining_version)
) STRICT, WITHOUT ROWID;
CREATE TABLE watermarks (
    topic TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "watermarks" VALUES('ntrk-nsclc','2026-01-01');
CREATE INDEX mentions_fusion ON mentions (pmid) WHERE label = 'FUSION';
CREATE INDEX evidence_order ON evidence (type_rank, molecular_profile, therapies, disease_key, significance, direction, key, pmid);
CREATE INDEX evidence_pmid ON evidence (pmid);
CREATE INDEX evidence_facets_row ON evidence_facets (key, pmid);
COMMIT;
