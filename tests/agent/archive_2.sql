BEGIN TRANSACTION;
CREATE TABLE candidates (
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER NOT NULL, 
	turn INTEGER NOT NULL, 
	candidate_id VARCHAR(32) NOT NULL, 
	source_hash VARCHAR(32) NOT NULL, 
	parents JSON NOT NULL, 
	operator VARCHAR(32) NOT NULL, 
	proposer VARCHAR(32) NOT NULL, 
	idea TEXT NOT NULL, 
	PRIMARY KEY (run_id, ticket, turn), 
	FOREIGN KEY(run_id, ticket) REFERENCES tickets (run_id, number), 
	FOREIGN KEY(source_hash) REFERENCES sources (hash)
);
INSERT INTO "candidates" VALUES('synthetic-routing-903e',0,0,'e05022e1bf0023ef02f3a1d7bc84754d','8be4727f74d4a57dae9957a92927c967','[]','seed','given','');
INSERT INTO "candidates" VALUES('synthetic-routing-903e',1,0,'3b2309579860e7176a1e90b863ebd345','f1c04877234e88639b2c22661fdc7e6a','[]','seed','given','');
INSERT INTO "candidates" VALUES('synthetic-routing-903e',2,0,'0bbc988c45e0c7c572e9f6c5bedc5a16','ec4ed6821e7713ba88f4bec7b6d36ede','[]','tweak','scripted','a child of 0 parents');
INSERT INTO "candidates" VALUES('synthetic-routing-903e',3,0,'bbeaa83cabbcdf6ada82561dc3575195','c2de9fabadedceb585fd9fc6a51d2415','[]','tweak','scripted','a child of 0 parents');
CREATE TABLE evaluations (
	id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER, 
	turn INTEGER, 
	candidate_id VARCHAR(32) NOT NULL, 
	split VARCHAR(16) NOT NULL, 
	purpose VARCHAR(32) NOT NULL, 
	repetition INTEGER NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	score FLOAT, 
	descriptors JSON NOT NULL, 
	detail TEXT NOT NULL, 
	censored JSON, 
	decision_hash VARCHAR(32), 
	duplicate_of VARCHAR(32), 
	labels JSON NOT NULL, 
	sandbox VARCHAR(32) NOT NULL, 
	cpu_s FLOAT NOT NULL, 
	wall_s FLOAT NOT NULL, 
	decisions INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "evaluations" VALUES(1,'synthetic-routing-903e',0,0,'e05022e1bf0023ef02f3a1d7bc84754d','train','search',0,'ok',4.82287686559117503284e+01,'{"fast_share": 0.33, "held_share": 0.40100430416068866}','',NULL,NULL,NULL,'[]','',0.0,0.0,0,1.79590895028480696674e+09);
INSERT INTO "evaluations" VALUES(2,'synthetic-routing-903e',1,0,'3b2309579860e7176a1e90b863ebd345','train','search',0,'ok',19.5789362,'{"fast_share": 0.6833333333333333, "held_share": 0.0}','',NULL,NULL,NULL,'[]','',0.0,0.0,0,1.79590895031102561955e+09);
INSERT INTO "evaluations" VALUES(3,'synthetic-routing-903e',2,0,'0bbc988c45e0c7c572e9f6c5bedc5a16','train','search',0,'ok',19.1836366,'{"fast_share": 0.71, "held_share": 0.0}','',NULL,NULL,NULL,'[]','',0.0,0.0,0,1.79590895032692265511e+09);
INSERT INTO "evaluations" VALUES(4,'synthetic-routing-903e',3,0,'bbeaa83cabbcdf6ada82561dc3575195','train','search',0,'ok',1.9048362266666664766e+01,'{"fast_share": 0.75, "held_share": 0.0}','',NULL,NULL,NULL,'[]','',0.0,0.0,0,1.79590895034687137604e+09);
CREATE TABLE gate_queries (
	gate VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	disagreements INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	candidate_id VARCHAR(32) NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	gain FLOAT NOT NULL, 
	margin FLOAT NOT NULL, 
	settings JSON NOT NULL, 
	asked_at FLOAT NOT NULL, 
	PRIMARY KEY (gate, number), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE insertions (
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	result VARCHAR(16) NOT NULL, 
	replaced INTEGER, 
	repetitions INTEGER NOT NULL, 
	decided BOOLEAN, 
	holder_score FLOAT, 
	PRIMARY KEY (run_id, ticket), 
	FOREIGN KEY(run_id, ticket) REFERENCES tickets (run_id, number)
);
INSERT INTO "insertions" VALUES('synthetic-routing-903e',0,5,4.82287686559117503284e+01,'new',NULL,0,NULL,NULL);
INSERT INTO "insertions" VALUES('synthetic-routing-903e',1,16,19.5789362,'new',NULL,0,NULL,NULL);
INSERT INTO "insertions" VALUES('synthetic-routing-903e',2,16,19.1836366,'improved',1,0,NULL,NULL);
INSERT INTO "insertions" VALUES('synthetic-routing-903e',3,16,1.9048362266666664766e+01,'improved',2,0,NULL,NULL);
CREATE TABLE measurements (
	evaluation_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	workload VARCHAR(255) NOT NULL, 
	objective FLOAT NOT NULL, 
	metrics JSON NOT NULL, 
	descriptors JSON NOT NULL, 
	feedback TEXT NOT NULL, 
	cpu_s FLOAT NOT NULL, 
	wall_s FLOAT NOT NULL, 
	decisions INTEGER NOT NULL, 
	PRIMARY KEY (evaluation_id, position), 
	FOREIGN KEY(evaluation_id) REFERENCES evaluations (id)
);
INSERT INTO "measurements" VALUES(1,0,'train/0',4.69694553210758769523e+01,'{}','{"fast_share": 0.37333333333333335, "held_share": 0.3902439024390244}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(1,1,'train/1',4.94880819907476237045e+01,'{}','{"fast_share": 0.2866666666666667, "held_share": 0.4117647058823529}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(2,0,'train/0',2.21517667999999972043e+01,'{}','{"fast_share": 0.7066666666666667, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(2,1,'train/1',1.70061056000000050398e+01,'{}','{"fast_share": 0.66, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(3,0,'train/0',2.17240674666666677694e+01,'{}','{"fast_share": 0.68, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(3,1,'train/1',1.66432057333333354169e+01,'{}','{"fast_share": 0.74, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(4,0,'train/0',2.16935091999999905007e+01,'{}','{"fast_share": 0.7066666666666667, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(4,1,'train/1',1.64032153333333354794e+01,'{}','{"fast_share": 0.7933333333333333, "held_share": 0.0}','',0.0,0.0,0);
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','2');
CREATE TABLE openings (
	id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	split VARCHAR(16) NOT NULL, 
	candidates JSON NOT NULL, 
	reason TEXT NOT NULL, 
	opened_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "openings" VALUES(1,'synthetic-routing-903e','heldout','["bbeaa83cabbcdf6ada82561dc3575195"]','report',1.79590895039847612386e+09);
CREATE TABLE replies (
	request_id INTEGER NOT NULL, 
	http_status INTEGER, 
	text TEXT, 
	finish_reason VARCHAR(32), 
	error TEXT NOT NULL, 
	outcome VARCHAR(16), 
	prompt_tokens INTEGER, 
	completion_tokens INTEGER, 
	cached_tokens INTEGER, 
	cost_usd FLOAT, 
	latency_s FLOAT NOT NULL, 
	received_at FLOAT NOT NULL, 
	PRIMARY KEY (request_id), 
	FOREIGN KEY(request_id) REFERENCES requests (id)
);
INSERT INTO "replies" VALUES(1,200,'A reply.','stop','',NULL,900,40,0,0.004,0.5,1.7959089503754649162e+09);
CREATE TABLE requests (
	id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER NOT NULL, 
	turn INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	model VARCHAR(255) NOT NULL, 
	base_url TEXT NOT NULL, 
	hash VARCHAR(32) NOT NULL, 
	body JSON NOT NULL, 
	reserved_tokens INTEGER NOT NULL, 
	reserved_usd FLOAT, 
	state VARCHAR(16) NOT NULL, 
	sent_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id, ticket) REFERENCES tickets (run_id, number)
);
INSERT INTO "requests" VALUES(1,'synthetic-routing-903e',2,0,0,'m','http://127.0.0.1:1/v1','ba97e0c10ca7596bfcb68854df96b4fc','{"model": "m", "messages": [{"role": "user", "content": "Improve it."}]}',1200,0.01,'replied',1.79590895036908674243e+09);
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	problem VARCHAR(255) NOT NULL, 
	problem_options JSON NOT NULL, 
	problem_version VARCHAR(64) NOT NULL, 
	seed INTEGER NOT NULL, 
	settings JSON NOT NULL, 
	environment JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	control_of VARCHAR(32), 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	elapsed_s FLOAT NOT NULL, 
	champion VARCHAR(32), 
	maximize BOOLEAN, 
	PRIMARY KEY (id), 
	FOREIGN KEY(control_of) REFERENCES runs (id)
);
INSERT INTO "runs" VALUES('synthetic-routing-903e','synthetic-routing','{}','1',3,'{"problem": {"name": "synthetic-routing", "options": {}}, "seed": 3, "proposer": "genetic", "models": [], "budget": {"evaluations": 4, "minutes": null, "usd": null, "tokens": null}, "memory": "archive", "archive": {"kind": "grid", "niches": 64, "centroids": [], "cells": 24}, "islands": {"count": 1, "migrate": 50, "restart": null}, "window": 8, "workers": 2, "sandbox": null, "repairs": 1, "remeasure": 8, "ticket_hours": 24.0, "racing": false}','{}','finished','4 evaluations',NULL,1.7959089483017008304e+09,1.79590895036746740339e+09,2.05320355699996071052e+00,NULL,0);
CREATE TABLE sources (
	hash VARCHAR(32) NOT NULL, 
	language VARCHAR(32) NOT NULL, 
	files JSON NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "sources" VALUES('8be4727f74d4a57dae9957a92927c967','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.arrival\n\n\ndef place(head, view):\n    for replica in view.replicas:\n        if replica.free_blocks >= head.prompt_blocks * 2:\n            return replica.index\n    return HOLD\n"}]');
INSERT INTO "sources" VALUES('f1c04877234e88639b2c22661fdc7e6a','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.arrival\n\n\ndef place(head, view):\n    best = min(view.replicas, key=lambda r: (r.running + r.queued) / r.speed)\n    return best.index\n"}]');
INSERT INTO "sources" VALUES('ec4ed6821e7713ba88f4bec7b6d36ede','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.prompt_tokens + 5 * request.predicted_output\n\n\ndef place(head, view):\n    return min(view.replicas, key=lambda r: (r.running + 0.5) / r.speed).index\n"}]');
INSERT INTO "sources" VALUES('c2de9fabadedceb585fd9fc6a51d2415','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.prompt_tokens + 5 * request.predicted_output\n\n\ndef place(head, view):\n    return min(view.replicas, key=lambda r: (r.running + 2) / r.speed).index\n"}]');
CREATE TABLE tickets (
	run_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	visible INTEGER NOT NULL, 
	proposer VARCHAR(32) NOT NULL, 
	operator VARCHAR(32) NOT NULL, 
	model VARCHAR(255), 
	parents JSON NOT NULL, 
	draw JSON NOT NULL, 
	outcome VARCHAR(16), 
	note TEXT NOT NULL, 
	issued_at FLOAT NOT NULL, 
	committed_at FLOAT, 
	agent_cpu_s FLOAT NOT NULL, 
	PRIMARY KEY (run_id, number), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "tickets" VALUES('synthetic-routing-903e',0,0,'given','seed',NULL,'[]','{"seed": 0}','ok','',1.79590894830628561968e+09,1795908950.3591,8.67189649000000062351e-01);
INSERT INTO "tickets" VALUES('synthetic-routing-903e',1,0,'given','seed',NULL,'[]','{"seed": 1}','ok','',1.79590894830788111685e+09,1.79590895036130094525e+09,2.29758699999993432072e-03);
INSERT INTO "tickets" VALUES('synthetic-routing-903e',2,0,'scripted','tweak',NULL,'[]','{"seed": 2109912289, "seen": 0}','ok','a child of 0 parents',1.79590894832408809662e+09,1.79590895036617588997e+09,8.26289000000146600655e-04);
INSERT INTO "tickets" VALUES('synthetic-routing-903e',3,0,'scripted','tweak',NULL,'[]','{"seed": 3395725690, "seen": 0}','ok','a child of 0 parents',1.79590894832430481909e+09,1.79590895036698603628e+09,9.03067999999951354084e-04);
CREATE INDEX evaluations_by_candidate ON evaluations (run_id, candidate_id, split);
CREATE INDEX evaluations_by_decisions ON evaluations (run_id, decision_hash);
CREATE INDEX evaluations_by_ticket ON evaluations (run_id, ticket);
CREATE INDEX candidates_by_id ON candidates (run_id, candidate_id);
CREATE UNIQUE INDEX requests_by_ticket ON requests (run_id, ticket, turn, attempt);
COMMIT;
