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
INSERT INTO "candidates" VALUES('synthetic-routing-58e7',0,0,'e05022e1bf0023ef02f3a1d7bc84754d','8be4727f74d4a57dae9957a92927c967','[]','seed','given','');
INSERT INTO "candidates" VALUES('synthetic-routing-58e7',1,0,'3b2309579860e7176a1e90b863ebd345','f1c04877234e88639b2c22661fdc7e6a','[]','seed','given','');
INSERT INTO "candidates" VALUES('synthetic-routing-58e7',2,0,'323ae706f2ed86a8ab76be39c60c6814','c9db6642916f14f3be3645bacdc5b2d0','[]','seed','given','');
CREATE TABLE evaluations (
	id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER, 
	turn INTEGER, 
	candidate_id VARCHAR(32) NOT NULL, 
	split VARCHAR(16) NOT NULL, 
	purpose VARCHAR(32) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	score FLOAT, 
	descriptors JSON NOT NULL, 
	detail TEXT NOT NULL, 
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
INSERT INTO "evaluations" VALUES(1,'synthetic-routing-58e7',0,0,'e05022e1bf0023ef02f3a1d7bc84754d','train','search','ok',4.82287686559117503284e+01,'{"fast_share": 0.33, "held_share": 0.40100430416068866}','',NULL,NULL,'[]','',0.0,0.0,0,1.79532543176828765863e+09);
INSERT INTO "evaluations" VALUES(2,'synthetic-routing-58e7',1,0,'3b2309579860e7176a1e90b863ebd345','train','search','ok',19.5789362,'{"fast_share": 0.6833333333333333, "held_share": 0.0}','',NULL,NULL,'[]','',0.0,0.0,0,1.79532543177791428564e+09);
INSERT INTO "evaluations" VALUES(3,'synthetic-routing-58e7',2,0,'323ae706f2ed86a8ab76be39c60c6814','train','search','ok',2.02170529333333313113e+01,'{"fast_share": 0.7333333333333334, "held_share": 0.0}','',NULL,NULL,'[]','',0.0,0.0,0,1.79532543178655719755e+09);
CREATE TABLE insertions (
	run_id VARCHAR(32) NOT NULL, 
	ticket INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	result VARCHAR(16) NOT NULL, 
	replaced INTEGER, 
	PRIMARY KEY (run_id, ticket), 
	FOREIGN KEY(run_id, ticket) REFERENCES tickets (run_id, number)
);
INSERT INTO "insertions" VALUES('synthetic-routing-58e7',0,5,4.82287686559117503284e+01,'new',NULL);
INSERT INTO "insertions" VALUES('synthetic-routing-58e7',1,16,19.5789362,'new',NULL);
INSERT INTO "insertions" VALUES('synthetic-routing-58e7',2,16,2.02170529333333313113e+01,'rejected',NULL);
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
INSERT INTO "measurements" VALUES(3,0,'train/0',2.22332881333333354234e+01,'{}','{"fast_share": 0.7933333333333333, "held_share": 0.0}','',0.0,0.0,0);
INSERT INTO "measurements" VALUES(3,1,'train/1',1.82008177333333271974e+01,'{}','{"fast_share": 0.6733333333333333, "held_share": 0.0}','',0.0,0.0,0);
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
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
	PRIMARY KEY (id), 
	FOREIGN KEY(control_of) REFERENCES runs (id)
);
INSERT INTO "runs" VALUES('synthetic-routing-58e7','synthetic-routing','{}','1',0,'{"problem": {"name": "synthetic-routing", "options": {}}, "seed": 0, "proposer": "genetic", "models": [], "budget": {"evaluations": 3, "minutes": null, "usd": null, "tokens": null}, "window": 8, "workers": 2, "sandbox": null, "repairs": 1}','{}','finished','3 evaluations',NULL,1.7953254307771880627e+09,1.79532543179471898073e+09,1.00998063899896806105e+00,NULL);
CREATE TABLE sources (
	hash VARCHAR(32) NOT NULL, 
	language VARCHAR(32) NOT NULL, 
	files JSON NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "sources" VALUES('8be4727f74d4a57dae9957a92927c967','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.arrival\n\n\ndef place(head, view):\n    for replica in view.replicas:\n        if replica.free_blocks >= head.prompt_blocks * 2:\n            return replica.index\n    return HOLD\n"}]');
INSERT INTO "sources" VALUES('f1c04877234e88639b2c22661fdc7e6a','python','[{"path": "candidate.py", "text": "def key(request):\n    return request.arrival\n\n\ndef place(head, view):\n    best = min(view.replicas, key=lambda r: (r.running + r.queued) / r.speed)\n    return best.index\n"}]');
INSERT INTO "sources" VALUES('c9db6642916f14f3be3645bacdc5b2d0','python','[{"path": "candidate.py", "text": "HEADROOM = 0.03\nGROWTH = 1.6\n\n\ndef key(request):\n    \"\"\"Shortest prompt first.\"\"\"\n    return request.prompt_tokens\n\n\ndef place(head, view):\n    best, best_score = HOLD, 1e300\n    for replica in view.replicas:\n        need = head.prompt_blocks * GROWTH\n        if replica.free_blocks - replica.reserved_blocks - need < HEADROOM * replica.total_blocks:\n            continue\n        score = (replica.used_blocks + replica.reserved_blocks) / replica.total_blocks\n        if score < best_score:\n            best, best_score = replica.index, score\n    return best\n"}]');
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
INSERT INTO "tickets" VALUES('synthetic-routing-58e7',0,0,'given','seed',NULL,'[]','{"seed": 0}','ok','',1.79532543077829766274e+09,1.79532543179024481772e+09,7.89644299000000104982e-01);
INSERT INTO "tickets" VALUES('synthetic-routing-58e7',1,0,'given','seed',NULL,'[]','{"seed": 1}','ok','',1.79532543078139853473e+09,1.79532543179295325276e+09,2.64934299999985967133e-03);
INSERT INTO "tickets" VALUES('synthetic-routing-58e7',2,0,'given','seed',NULL,'[]','{"seed": 2}','ok','',1.79532543078221297266e+09,1.79532543179397392277e+09,1.06428000000002853653e-03);
CREATE INDEX evaluations_by_decisions ON evaluations (run_id, decision_hash);
CREATE INDEX evaluations_by_candidate ON evaluations (run_id, candidate_id, split);
CREATE INDEX evaluations_by_ticket ON evaluations (run_id, ticket);
CREATE INDEX candidates_by_id ON candidates (run_id, candidate_id);
CREATE UNIQUE INDEX requests_by_ticket ON requests (run_id, ticket, turn, attempt);
COMMIT;
